//! The checkers of a verification, as they are asked over one address family.

use std::{collections::HashSet, net::IpAddr};

use futures_util::future::join_all;
use port_checker_api::Transport;

use super::{
    common::Common,
    port_query::{PortQuery, Verdicts},
    query_events::QueryEvents,
};
use crate::{Checker, Family, NoVerdict, facts::CheckerFacts};

/// The checkers, and those of them that are asked no more.
pub(super) struct AskedCheckers {
    checkers: Vec<Checker>,
    given_up: HashSet<usize>,
}

impl AskedCheckers {
    /// These, in the order of the plan.
    pub(super) fn new(checkers: Vec<Checker>) -> Self {
        Self { checkers, given_up: HashSet::new() }
    }

    /// Those of a verification that is about a given address, with their facts. Over UDP a checker judges only the
    /// address from which it is asked: then one that cannot be asked over the family of the address is left out,
    /// where another can.
    pub(super) fn about(address: IpAddr, common: Common<'_>) -> (Self, Vec<CheckerFacts>) {
        let family = Family::of(address);
        let has_udp = common.plan.has_udp();
        let is_over = |checker: &Checker| checker.only_family().is_none_or(|only| only == family);
        let one_is_over = common.checkers.iter().any(is_over);
        let asked = common.checkers.iter().map(|checker| {
            let checker =
                if has_udp && is_over(checker) { checker.over(family) } else { checker.clone() };
            let facts = CheckerFacts::asked(&checker, address);
            let left_out = has_udp && one_is_over && !is_over(&checker);
            (checker, CheckerFacts { address: facts.address.filter(|_| !left_out), ..facts })
        });
        let (checkers, facts) = asked.unzip();
        (Self::new(checkers), facts)
    }

    /// Each of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Checker> {
        self.checkers.iter()
    }

    /// Asks every checker that has an address to check, all at once.
    pub(super) async fn ask(
        &self,
        common: Common<'_>,
        facts: &[CheckerFacts],
        queries: impl Fn(IpAddr) -> Vec<PortQuery>,
    ) -> Vec<Option<Verdicts>> {
        let asked = self.checkers.iter().enumerate().map(async |(index, checker)| {
            let address = facts[index].address?;
            if self.given_up.contains(&index) {
                return None;
            }
            let Common { events, stop, .. } = common;
            let transport = Transport::default();
            let events = QueryEvents { events, checker: index, address, transport };
            let asked = queries(address).into_iter();
            let asked = asked.map(|query| query.attested(common.plan.attest.as_ref()));
            let asked = asked.map(|query| query.ask(checker, &common.budgets[index], events, stop));
            let answers = join_all(asked).await;
            Some(answers.into_iter().fold(Verdicts::default(), Verdicts::and))
        });
        join_all(asked).await
    }

    /// Takes note of a failure. Who says when to come again, or only does not judge some ports, is asked about the next
    /// ones; one that failed in another way is not.
    pub(super) fn note_failure(&mut self, checker: usize, error: &NoVerdict, common: Common<'_>) {
        let busy = error.retry_after().is_some() || error.may_be_about_some_ports();
        if !busy || common.budgets[checker].is_spent() {
            self.given_up.insert(checker);
        }
    }
}
