//! One question to one checker, in as many requests as it takes.

use std::{collections::HashMap, net::IpAddr};

use port_checker_api::{Challenge, CheckRequest, Port, PortResult, Progress};

use crate::{Checker, NoVerdict};

/// Ports of one address, asked about together.
pub(super) struct Question {
    /// The address.
    pub(super) address: IpAddr,
    /// The ports.
    pub(super) ports: Vec<Port>,
    /// What the listeners on them send.
    pub(super) challenge: Option<Challenge>,
}

impl Question {
    /// Asks; a checker that takes fewer ports at once is asked in parts. `heard` is told of every
    /// port once it is judged.
    ///
    /// # Errors
    /// The checker gave no verdict about even one of the ports.
    pub(super) async fn ask(
        self,
        checker: &Checker,
        heard: impl Fn(&Progress),
    ) -> Result<HashMap<Port, PortResult>, NoVerdict> {
        let mut verdicts = HashMap::with_capacity(self.ports.len());
        let mut parts = vec![self.ports.clone()];
        while let Some(mut ports) = parts.pop() {
            if ports.is_empty() {
                continue;
            }
            match self.ask_part(checker, ports.clone(), &heard).await {
                Ok(answers) => verdicts.extend(answers),
                Err(error) if error.is_for_too_many_ports() && ports.len() > 1 => {
                    parts.push(ports.split_off(ports.len() / 2));
                    parts.push(ports);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(verdicts)
    }

    async fn ask_part(
        &self,
        checker: &Checker,
        ports: Vec<Port>,
        heard: &impl Fn(&Progress),
    ) -> Result<Vec<(Port, PortResult)>, NoVerdict> {
        let request = CheckRequest {
            provider_ip: Some(self.address),
            ports,
            challenge: self.challenge.clone(),
            verbose: Some(true),
        };
        let mut told = false;
        let answer = checker.check(&request, |progress| {
            told = true;
            heard(progress);
        });
        let results: Vec<_> = answer.await?.results.into_iter().collect();
        if !told {
            for (port, result) in &results {
                heard(&Progress { port: *port, result: result.clone() });
            }
        }
        Ok(results)
    }
}
