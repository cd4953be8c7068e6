//! The whole verification: bind, be dialled, diagnose.

use std::{fmt, net::IpAddr, pin::Pin, sync::Arc};

use futures_util::future::join_all;
use port_checker_api::Challenge;
use tokio::{
    select,
    sync::{
        Semaphore,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        watch,
    },
};

use crate::{
    Checker, Diagnosis, Event, Facts, Family, FamilyFacts, InvalidPlan, Plan, diagnose,
    plan::MAX_PORTS, router::KnownRouter,
};

mod arrival_wait;
mod asked_checkers;
mod common;
mod family_run;
mod local_evidence;
mod mapping_round;
mod observed_address;
mod open_ports;
mod packet_watch;
mod port_query;
mod query_events;
mod router_query;
mod stop;
mod wait_budget;

use common::{Common, OwnListeners};
use family_run::FamilyRun;
use stop::StopSignal;
use wait_budget::WaitBudget;

/// Has checkers connect back to this machine, and explains their results beside those of the listeners.
///
/// An agent that verifies again does not search for the router again, for an hour or until the network changes.
#[derive(Debug, Clone)]
pub struct Agent {
    checkers: Vec<Checker>,
    router: Arc<KnownRouter>,
}

/// A verification under way. It goes on while [`next`](Self::next) is awaited; dropping it ends it
/// and closes every listener.
pub struct Verification {
    /// None when it is finished.
    work: Option<Pin<Box<dyn Future<Output = Diagnosis> + Send>>>,
    /// At most a handful for each checker and port.
    events: UnboundedReceiver<Event>,
    /// Kept until the earlier events are told.
    diagnosis: Option<Box<Diagnosis>>,
    stop: watch::Sender<bool>,
}

impl Agent {
    /// An agent that asks these checkers, all at once; a checker named twice counts once.
    pub fn new(checkers: impl IntoIterator<Item = Checker>) -> Self {
        let mut distinct: Vec<Checker> = Vec::new();
        for checker in checkers {
            if !distinct.iter().any(|other| other.is_same(&checker)) {
                distinct.push(checker);
            }
        }
        Self { checkers: distinct, router: Arc::default() }
    }

    /// Verifies ports of this machine: listens on each, has every checker dial it back at the
    /// address from which it sees this machine, and records the connections. Must be called within a
    /// runtime.
    ///
    /// # Errors
    /// The plan cannot be carried out.
    pub fn verify(&self, plan: Plan) -> Result<Verification, InvalidPlan> {
        plan.validate(self.checkers.len())?;
        let (checkers, router) = (self.checkers.clone(), Arc::clone(&self.router));
        Ok(Verification::of(|events, stop| async move {
            let own = OwnListeners {
                challenge: plan.challenge.clone().unwrap_or_else(fresh_challenge),
                permits: Semaphore::new(plan.connections()),
            };
            let budgets: Vec<_> = checkers.iter().map(WaitBudget::of).collect();
            let common = Common {
                plan: &plan,
                checkers: &checkers,
                budgets: &budgets,
                events: &events,
                router: plan.ask_router.then_some(&*router),
                stop: &stop,
            };
            let families = families_to_try(&plan, &checkers).into_iter();
            let runs = families.map(|family| FamilyRun::of_this_machine(family, common));
            let mut runs = join_all(runs).await;
            for ports in plan.ports.chunks(plan.batch()) {
                join_all(runs.iter_mut().map(|run| run.verify(ports, &own))).await;
            }
            let Some(mapper) = &plan.mapper else {
                let facts = runs.into_iter().map(FamilyRun::into_facts);
                return conclude(facts.collect(), &plan, &stop);
            };
            let first = facts_of(&runs);
            let diagnosis = conclude(first.clone(), &plan, &stop);
            let closed = mapping_round::closed_ports(&diagnosis);
            if closed.is_empty() || stop.is_sent() {
                return mapping_round::with_mappings(diagnosis, mapper);
            }
            // Who does not listen any more will drop the verification too.
            let _ = events.send(Event::Mapping { ports: closed.len() });
            mapping_round::verify_mapped(
                &mut runs,
                (mapper, &router),
                &closed,
                &own,
                plan.batch(),
                &stop,
            )
            .await;
            // Where it was to stop, ports may have lost the verdicts they had.
            let facts = if stop.is_sent() { first } else { facts_of(&runs) };
            mapping_round::with_mappings(conclude(facts, &plan, &stop), mapper)
        }))
    }

    /// Has ports of any machine checked, at `address`; nothing is listened on here. The plan's own
    /// addresses and families are not used. Over UDP checkers judge only the address from which they are asked, and a
    /// port is open if something there answers with a challenge that only this check knows: see
    /// [`verify`](Self::verify).
    ///
    /// # Errors
    /// The plan cannot be carried out.
    pub fn check(&self, address: IpAddr, plan: Plan) -> Result<Verification, InvalidPlan> {
        let address = address.to_canonical();
        let plan = Plan { addresses: vec![address], families: Default::default(), ..plan };
        plan.validate(self.checkers.len())?;
        let checkers = self.checkers.clone();
        Ok(Verification::of(|events, stop| async move {
            let budgets: Vec<_> = checkers.iter().map(WaitBudget::of).collect();
            let common = Common {
                plan: &plan,
                checkers: &checkers,
                budgets: &budgets,
                events: &events,
                router: None,
                stop: &stop,
            };
            let mut run = FamilyRun::of_another_machine(address, common);
            let challenge = fresh_challenge();
            for ports in plan.ports.chunks(MAX_PORTS) {
                run.check(ports, &challenge).await;
            }
            conclude(vec![run.into_facts()], &plan, &stop)
        }))
    }
}

/// Those of the plan, without one over which no checker can be asked, unless it was asked for by name.
fn families_to_try(plan: &Plan, checkers: &[Checker]) -> Vec<Family> {
    let mut families = plan.families_to_try();
    let over = |family| {
        let only = |checker: &Checker| checker.only_family();
        checkers.iter().any(|checker| only(checker).is_none_or(|only| only == family))
    };
    families.retain(|&family| plan.insists() || over(family));
    families
}

fn facts_of(runs: &[FamilyRun<'_>]) -> Vec<FamilyFacts> {
    runs.iter().map(|run| run.facts().clone()).collect()
}

fn conclude(families: Vec<FamilyFacts>, plan: &Plan, stop: &StopSignal) -> Diagnosis {
    diagnose(Facts { quorum: plan.quorum, interrupted: stop.is_sent(), families })
}

/// 128 random bits in hexadecimal digits.
fn fresh_challenge() -> Challenge {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).expect("the kernel has random numbers");
    let text = format!("{:032x}", u128::from_ne_bytes(bits));
    text.try_into().expect("hexadecimal digits are printable")
}

impl Verification {
    fn of<W>(work: impl FnOnce(UnboundedSender<Event>, StopSignal) -> W) -> Self
    where
        W: Future<Output = Diagnosis> + Send + 'static,
    {
        let (sender, events) = unbounded_channel();
        let (stop, signal) = StopSignal::new();
        Self { work: Some(Box::pin(work(sender, signal))), events, diagnosis: None, stop }
    }

    /// Asks nothing more: the next events lead to a diagnosis from what is known by now, within
    /// seconds. It has a [`Notice::Interrupted`](crate::Notice::Interrupted) if some ports have no verdict yet.
    pub fn stop(&self) {
        // Without receivers it is finished.
        let _ = self.stop.send(true);
    }

    /// The next event. The last one is [`Event::Finished`]; after it there is none. Can be
    /// cancelled and awaited again.
    pub async fn next(&mut self) -> Option<Event> {
        if let Some(work) = &mut self.work {
            select! {
                biased;
                Some(event) = self.events.recv() => return Some(event),
                diagnosis = work => {
                    self.work = None;
                    self.diagnosis = Some(Box::new(diagnosis));
                }
            }
        }
        let earlier = self.events.try_recv().ok();
        earlier.or_else(|| self.diagnosis.take().map(Event::Finished))
    }

    /// Goes on to the end.
    pub async fn finish(mut self) -> Diagnosis {
        loop {
            let event = self.next().await.expect("the diagnosis comes before the end");
            if let Event::Finished(diagnosis) = event {
                return *diagnosis;
            }
        }
    }
}

impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification").field("finished", &self.work.is_none()).finish()
    }
}
