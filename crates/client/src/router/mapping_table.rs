//! What is known of the mappings of one run. Changes are made at once, so that a run can be ended anywhere.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    facts::RouterFailureCause,
    lease::{Granted, Lease},
    mapping_client::MappingClient,
    port_mapping::{MappingObstacle, MappingState, PortMapping},
    router_port::RouterPort,
};

/// A mapping is renewed when half of its lease is over, and a long lease after this time.
const MAX_RENEWAL_PAUSE: Duration = Duration::from_secs(60);

/// The mappings, in the order in which they were asked for, each port once.
#[derive(Default)]
pub(super) struct MappingTable(Mutex<Vec<Entry>>);

struct Entry {
    mapping: PortMapping,
    /// What has to be removed at the end.
    made: Option<Made>,
}

/// A mapping that the router was asked for.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) client: Arc<MappingClient>,
    pub(super) port: RouterPort,
    /// None until the router has consented.
    pub(super) lease: Option<Lease>,
}

impl MappingTable {
    /// What was done for each port.
    pub(super) fn mappings(&self) -> Vec<PortMapping> {
        self.entries().iter().map(|entry| entry.mapping.clone()).collect()
    }

    /// The mappings that the router was asked for.
    pub(super) fn made(&self) -> Vec<Made> {
        self.entries().iter().filter_map(|entry| entry.made.clone()).collect()
    }

    /// Whether a port is mapped.
    pub(super) fn is_open(&self, port: RouterPort) -> bool {
        let entries = self.entries();
        entries.iter().any(|entry| entry.mapping.is_of(port) && entry.mapping.is_open())
    }

    /// Enters a port that is not mapped, or begins again with it.
    pub(super) fn enter(&self, port: RouterPort, router: Option<IpAddr>, reason: MappingObstacle) {
        let state = MappingState::NotMapped { reason };
        let (number, transport) = (port.get(), port.transport);
        let mapping = PortMapping {
            port: number,
            transport,
            router,
            protocol: None,
            state,
            accessible: None,
        };
        let mut entries = self.entries();
        entries.retain(|entry| !entry.mapping.is_of(port));
        entries.push(Entry { mapping, made: None });
    }

    /// The router is about to be asked for a mapping.
    pub(super) fn asked(&self, port: RouterPort, client: &Arc<MappingClient>) {
        self.update(port, |entry| {
            entry.mapping.protocol = Some(client.protocol());
            entry.mapping.state = MappingState::Asked;
            entry.made = Some(Made { client: Arc::clone(client), port, lease: None });
        });
    }

    /// The router has made or renewed a mapping.
    pub(super) fn granted(&self, port: RouterPort, granted: &Granted) {
        let lease = Lease::begins(granted.lease_seconds, MAX_RENEWAL_PAUSE);
        self.update(port, |entry| {
            entry.mapping.state = MappingState::Open { lease_seconds: granted.lease_seconds };
            if let Some(made) = &mut entry.made {
                made.lease = Some(lease);
            }
        });
    }

    /// A renewal failed; the lease still runs.
    pub(super) fn postponed(&self, port: RouterPort, renew_at: Instant) {
        self.update(port, |entry| {
            if let Some(lease) = entry.made.as_mut().and_then(|made| made.lease.as_mut()) {
                lease.renew_at = Some(renew_at);
            }
        });
    }

    /// There is no mapping of ours, or none any more.
    pub(super) fn lost(&self, port: RouterPort, reason: MappingObstacle) {
        use RouterFailureCause::{Malformed, NoAnswer};
        // The router may have done it all the same.
        let uncertain = matches!(reason, MappingObstacle::Failed { cause: NoAnswer | Malformed });
        self.update(port, |entry| {
            if !uncertain {
                entry.made = None;
            }
            entry.mapping.state = MappingState::NotMapped { reason };
        });
    }

    /// The router speaks no protocol for it.
    pub(super) fn not_spoken(&self, port: RouterPort) {
        self.update(port, |entry| {
            entry.mapping.protocol = None;
            entry.mapping.state = MappingState::NotMapped { reason: MappingObstacle::NoProtocol };
        });
    }

    /// The run ends, and with it what was made.
    pub(super) fn ended(&self, port: RouterPort, state: MappingState) {
        self.update(port, |entry| {
            entry.made = None;
            entry.mapping.state = match entry.mapping.state {
                MappingState::NotMapped { .. } => return,
                MappingState::Asked => {
                    MappingState::NotMapped { reason: MappingObstacle::Interrupted }
                }
                _ => state,
            };
        });
    }

    /// Checkers reached a port that is mapped, or did not.
    pub(super) fn judged(&self, is_accessible: impl Fn(&PortMapping) -> Option<bool>) {
        for entry in self.entries().iter_mut().filter(|entry| entry.mapping.is_open()) {
            entry.mapping.accessible = is_accessible(&entry.mapping);
        }
    }

    fn update(&self, port: RouterPort, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.entries();
        if let Some(entry) = entries.iter_mut().find(|entry| entry.mapping.is_of(port)) {
            change(entry);
        }
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().expect("nothing panics while it is held")
    }
}
