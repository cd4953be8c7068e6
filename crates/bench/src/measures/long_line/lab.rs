//! A checker and a host far away, of which it is known how its ports behave.

use std::{
    collections::HashSet,
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use port_checker_api::Reason;
use port_checker_testbed::{
    http::{Answer, connect},
    long_line::{Line, LongLine},
    namespace::Namespace,
    process::Service,
    targets::{Conduct, Targets},
};
use serde_json::Value;

use crate::{
    comparison::Measurement,
    load::ask_on,
    service::{self, TICK_US, UNLIMITED, processor_ticks},
};

/// The host that is asked about.
pub(super) const HOST: &str = "203.0.113.1";

const CHECKER: [&str; 2] = ["203.0.113.254/24", "2001:db8::fe/64"];
const HOST_ENDS: [&str; 2] = ["203.0.113.1/24", "2001:db8::1/64"];

/// Ports of the host.
pub(super) struct Ports {
    pub(super) all: Vec<u16>,
    pub(super) open: HashSet<u16>,
    silent: HashSet<u16>,
}

impl Ports {
    /// One in so many is open, the others refuse.
    pub(super) fn mostly_closed(range: RangeInclusive<u16>, one_in: usize) -> Self {
        let open = range.clone().step_by(one_in).collect();
        Self { all: range.collect(), open, silent: HashSet::new() }
    }

    /// A quarter is open, a quarter never answers, the others refuse.
    pub(super) fn mixed(range: RangeInclusive<u16>) -> Self {
        let open = range.clone().step_by(4).collect();
        let silent = range.clone().skip(1).step_by(4).collect();
        Self { all: range.collect(), open, silent }
    }
}

/// The body of a check of these ports of the host.
pub(super) fn question(ports: &[u16]) -> String {
    format!(r#"{{"provider_ip":"{HOST}","ports":{ports:?}}}"#)
}

pub(super) struct Lab {
    pub(super) line: LongLine,
    _targets: Targets,
    pub(super) checker: Namespace,
    pub(super) host: Namespace,
}

impl Lab {
    pub(super) fn new(round_trip_ms: u64, loss: f64, ports: &Ports) -> Self {
        let (checker, host) = (Namespace::new(), Namespace::new());
        let line = Line::with_round_trip(Duration::from_millis(round_trip_ms), loss);
        let line = LongLine::between(&checker, &CHECKER, &host, &HOST_ENDS, line);
        let silent: Vec<String> = ports.silent.iter().map(u16::to_string).collect();
        if !silent.is_empty() {
            host.firewall(&format!(
                "table inet silence {{ chain input {{ type filter hook input priority 0; \
                 tcp dport {{ {} }} drop; }}; }}",
                silent.join(", ")
            ));
        }
        let targets = Targets::listen(&host, ports.open.iter().copied(), Conduct::Keep);
        Self { line, _targets: targets, checker, host }
    }

    /// Starts the service, with one attempt as scanners make unless the settings say otherwise.
    pub(super) fn serve(&self, settings: &[(&str, &str)]) -> Service {
        self.checker.within(|| service::start(&with_defaults(settings)))
    }

    /// The same with a limit on open files.
    pub(super) fn serve_limited(&self, descriptors: u64, settings: &[(&str, &str)]) -> Service {
        self.checker.within(|| service::start_limited(descriptors, &with_defaults(settings)))
    }

    /// Asks about all ports, and compares the answer with the known state of the ports.
    pub(super) fn ask(&self, service: &Service, ports: &Ports) -> anyhow::Result<Measurement> {
        let before = processor_ticks(service);
        let mut outcome = self.judge(service.address, ports)?;
        outcome.cpu_us = (processor_ticks(service) - before) * TICK_US / ports.all.len() as f64;
        Ok(outcome)
    }

    /// The same without the processor time.
    pub(super) fn judge(
        &self,
        server: std::net::SocketAddr,
        ports: &Ports,
    ) -> anyhow::Result<Measurement> {
        self.line.forget_answers();
        let client = self.checker.within(|| connect(server));
        let (answer, took) = ask_on(client, &question(&ports.all));
        let (open_missed, wrong) = self.count(&answer, ports, Instant::now())?;
        let seconds = took.as_secs_f64();
        Ok(Measurement { seconds, cpu_us: 0.0, open_missed: Some(open_missed), wrong: Some(wrong) })
    }

    /// Open ports that were not found, and ports that were judged wrongly.
    fn count(
        &self,
        answer: &Answer,
        ports: &Ports,
        answered: Instant,
    ) -> anyhow::Result<(usize, usize)> {
        let results = answer.json()["results"].take();
        let results = results.as_object().context("results")?;
        ensure!(results.len() == ports.all.len(), "every port is judged");
        let (mut missed, mut wrong) = (0, 0);
        for &port in &ports.all {
            let error = &results[&port.to_string()]["error"];
            missed += usize::from(ports.open.contains(&port) && !error.is_null());
            let heard = self.line.first_answer(port).is_some_and(|heard| heard < answered);
            let right = if !heard && *error == Reason::TimedOut.text() {
                true
            } else if ports.open.contains(&port) {
                *error == Value::Null
            } else {
                let silent = ports.silent.contains(&port);
                *error == if silent { Reason::TimedOut } else { Reason::Refused }.text()
            };
            wrong += usize::from(!right);
        }
        Ok((missed, wrong))
    }

    /// The line lost no packet but by chance.
    pub(super) fn nothing_overflowed(&self) -> anyhow::Result<()> {
        let (there, back) = (self.line.there(), self.line.back());
        ensure!(there.lost_to_bound == 0 && back.lost_to_bound == 0, "{there:?} {back:?}");
        Ok(())
    }
}

fn with_defaults<'a>(settings: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let ours = [
        ("PORT_CHECKER_ALLOWED_TARGETS", "203.0.113.0/24"),
        // A scan with few descriptors takes longer than requests may by default.
        ("PORT_CHECK_DEADLINE", "600"),
        // The time that users wait.
        ("PORT_CHECK_SETTLE", "0.5"),
    ];
    [&UNLIMITED[..], &ours, settings].concat()
}
