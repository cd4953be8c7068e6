//! The ports that `--wait` waits for.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use port_checker_client::{Diagnosis, Family, FamilyDiagnosis, TransportPort, TransportPortRanges};

use crate::duration_words::words;

/// The ports that were not open in the last try.
pub(crate) struct WaitBoard {
    began: Instant,
    closed: HashMap<Family, BTreeSet<TransportPort>>,
}

impl WaitBoard {
    /// The board after the first try, which began then.
    pub(crate) fn of(began: Instant, diagnosis: &Diagnosis) -> Self {
        Self { began, closed: closed_ports(diagnosis) }
    }

    /// Takes note of another try: lines about ports that have opened, such as "7466 opened after 1 min 12 s".
    pub(crate) fn note(&mut self, diagnosis: &Diagnosis) -> Vec<String> {
        let after = words(self.began.elapsed());
        let openings = diagnosis.families.iter().filter_map(|family| {
            let closed = self.closed.get(&family.family)?;
            let is_new = |port: &TransportPort| closed.contains(port);
            let opened: BTreeSet<_> = ports(family, true).filter(is_new).collect();
            let over = over(diagnosis, family.family);
            (!opened.is_empty()).then(|| format!("{} opened{over} after {after}", list(&opened)))
        });
        let openings = openings.collect();
        self.closed = closed_ports(diagnosis);
        openings
    }
}

/// Lines about the ports that are not open after so long.
pub(crate) fn closed_lines(diagnosis: &Diagnosis, elapsed: Duration) -> Vec<String> {
    let after = words(elapsed);
    let lines = diagnosis.families.iter().filter_map(|family| {
        let closed: BTreeSet<_> = ports(family, false).collect();
        let over = over(diagnosis, family.family);
        (!closed.is_empty()).then(|| format!("not open{over} after {after}: {}", list(&closed)))
    });
    lines.collect()
}

fn closed_ports(diagnosis: &Diagnosis) -> HashMap<Family, BTreeSet<TransportPort>> {
    let families = diagnosis.families.iter();
    families.map(|family| (family.family, ports(family, false).collect())).collect()
}

fn ports(family: &FamilyDiagnosis, accessible: bool) -> impl Iterator<Item = TransportPort> {
    let ports = family.ports.iter().filter(move |port| port.accessible == accessible);
    ports.map(|port| port.facts.transport_port())
}

fn list(ports: &BTreeSet<TransportPort>) -> String {
    ports.iter().copied().collect::<TransportPortRanges>().to_string().replace(',', ", ")
}

/// Which family, where it is not the only one.
fn over(diagnosis: &Diagnosis, family: Family) -> String {
    if diagnosis.families.len() > 1 { format!(" over {family}") } else { String::new() }
}
