//! One question to one checker, in as many requests as it takes.

use std::{collections::HashMap, net::IpAddr, time::Instant};

use port_checker_api::{
    Attest, Challenge, CheckRequest, Port, PortResult, Progress, Transport, TransportPort,
};

use super::{query_events::QueryEvents, stop::StopSignal, wait_budget::WaitBudget};
use crate::{Attestation, Checker, NoVerdict};

/// Single ports that a checker may refuse before the others are not asked about either: it seems to
/// refuse the address.
const MAX_REFUSED: usize = 16;

/// Ports of one address and one transport, asked about together.
pub(super) struct PortQuery {
    /// The address.
    pub(super) address: IpAddr,
    /// Their transport.
    pub(super) transport: Transport,
    /// The ports.
    pub(super) ports: Vec<Port>,
    /// The line that the listeners on them send.
    pub(super) challenge: Option<Challenge>,
    /// Asks for a signed statement.
    pub(super) attest: Option<Attest>,
}

/// The answer of a checker.
#[derive(Default)]
pub(super) struct Verdicts {
    /// About the ports it judged.
    pub(super) results: HashMap<TransportPort, PortResult>,
    /// Why it did not judge others, if there are any.
    pub(super) failure: Option<NoVerdict>,
    /// Its signed statements.
    pub(super) attestations: Vec<Attestation>,
}

/// The answer to one request.
struct JudgedPart {
    results: HashMap<Port, PortResult>,
    /// The signed statement.
    token: Option<String>,
}

impl Verdicts {
    /// The answers to two queries together; of two failures the first.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.results.extend(other.results);
        self.failure = self.failure.or(other.failure);
        self.attestations.extend(other.attestations);
        self
    }
}

impl PortQuery {
    /// Asks for a signed statement too, if there is a challenge to be signed.
    pub(super) fn attested(self, attest: Option<&Attest>) -> Self {
        let attest = attest.filter(|_| self.challenge.is_some()).cloned();
        Self { attest, ..self }
    }

    /// Asks. A checker that takes fewer ports at once, or does not dial some, is asked in parts, as
    /// long as its budget lasts and it is not to stop.
    pub(super) async fn ask(
        self,
        checker: &Checker,
        budget: &WaitBudget,
        events: QueryEvents<'_>,
        stop: &StopSignal,
    ) -> Verdicts {
        let mut verdicts = Verdicts::default();
        let (transport, events) = (self.transport, events.over(self.transport));
        let began = Instant::now();
        if let Err(error) = self.require_transport(checker, stop).await {
            budget.refused(began.elapsed(), false);
            return Verdicts { failure: Some(error), ..verdicts };
        }
        let (mut parts, mut refused) = (vec![self.ports.clone()], 0);
        while let Some(mut ports) = parts.pop() {
            if ports.is_empty() || stop.is_sent() {
                continue;
            }
            match self.ask_part(checker, ports.clone(), budget, events, stop).await {
                Ok(judged) => {
                    let results = judged.results.into_iter();
                    let results =
                        results.map(|(port, result)| (TransportPort { transport, port }, result));
                    verdicts.results.extend(results);
                    let attestation = |token| Attestation { transport, token };
                    verdicts.attestations.extend(judged.token.map(attestation));
                }
                Err(error)
                    if error.may_be_about_some_ports() && ports.len() > 1 && !budget.is_spent() =>
                {
                    parts.push(ports.split_off(ports.len() / 2));
                    parts.push(ports);
                }
                Err(error) => {
                    refused += 1;
                    let hopeless = !error.may_be_about_some_ports()
                        || refused == MAX_REFUSED
                        || budget.is_spent();
                    verdicts.failure = Some(error);
                    if hopeless {
                        break;
                    }
                }
            }
        }
        verdicts
    }

    /// That the checker knows the transport, and over UDP will judge the address: then it need not be asked in parts.
    async fn require_transport(
        &self,
        checker: &Checker,
        stop: &StopSignal,
    ) -> Result<(), NoVerdict> {
        if self.transport != Transport::Udp || self.ports.is_empty() || stop.is_sent() {
            return Ok(());
        }
        let required = stop.or_stop(checker.require_udp(self.address)).await;
        required.unwrap_or(Ok(()))
    }

    /// Asks about some of the ports; once more if the checker is busy and says for how long. The results are those of
    /// all the ports, or if it is to stop, of those that were judged before.
    async fn ask_part(
        &self,
        checker: &Checker,
        ports: Vec<Port>,
        budget: &WaitBudget,
        events: QueryEvents<'_>,
        stop: &StopSignal,
    ) -> Result<JudgedPart, NoVerdict> {
        events.requested(&ports, checker);
        let request = CheckRequest {
            provider_ip: Some(self.address),
            ports: ports.clone(),
            // Checkers of earlier versions do not know the field.
            transport: Some(self.transport).filter(|it| *it != Transport::Tcp),
            challenge: self.challenge.clone(),
            verbose: Some(true),
            attest: self.attest.clone(),
        };
        let mut told = HashMap::new();
        let mut on_progress = |progress: &Progress| {
            told.insert(progress.port, progress.result.clone());
            events.judged(progress);
        };
        let (began, mut waited) = (Instant::now(), None);
        let may_wait = |wait| {
            waited = Some(wait).filter(|&wait| budget.take(wait));
            waited.inspect(|&wait| events.waiting(wait)).is_some()
        };
        let answer = checker.check_and_wait(&request, &mut on_progress, may_wait);
        let answer = stop.or_stop(answer).await;
        events.ended(&ports);
        let Some(answer) = answer else { return Ok(JudgedPart { results: told, token: None }) };
        match &answer {
            Ok(answer) => budget.judged(answer.results.len()),
            Err(_) => {
                let took = began.elapsed().saturating_sub(waited.unwrap_or_default());
                budget.refused(took, waited.is_some());
            }
        }
        let answer = answer?;
        if told.is_empty() {
            for (port, result) in answer.results.iter() {
                events.judged(&Progress { port: *port, result: result.clone() });
            }
        }
        let token = answer.attestation.flatten();
        Ok(JudgedPart { results: answer.results.into_iter().collect(), token })
    }
}
