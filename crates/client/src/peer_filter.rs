//! The peers whose connections count: those that may be a checker.

use std::net::IpAddr;

use crate::host::Host;

/// The filter that separates connections of checkers from those of programs of this machine.
#[derive(Clone)]
pub(crate) struct PeerFilter {
    /// The address that is checked.
    checked: Option<IpAddr>,
    /// The addresses of this machine.
    local: Vec<IpAddr>,
}

impl PeerFilter {
    /// The filter for a check of this address of this machine.
    pub(crate) fn of(host: &Host, checked: Option<IpAddr>) -> Self {
        Self { checked, local: host.addresses.clone() }
    }

    /// Whether this machine has no address of the family at all.
    pub(crate) fn knows_no_address(&self) -> bool {
        self.local.is_empty()
    }

    /// Whether a checker may have connected from `peer`. Programs of this machine connect to its ports
    /// too, to look whether they work; they count only where the checker may be on this machine itself.
    pub(crate) fn admits(&self, peer: IpAddr) -> bool {
        match self.checked {
            Some(checked) if checked.is_loopback() => true,
            Some(checked) if self.local.contains(&checked) => !peer.is_loopback(),
            _ => !peer.is_loopback() && !self.local.contains(&peer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_connections_that_may_come_from_a_checker_count() {
        const LOOPBACK: &str = "127.0.0.1";
        const LOCAL: &str = "192.168.1.10";
        const NAT: &str = "203.0.113.7";
        const CHECKER: &str = "198.51.100.1";
        let cases = [
            (Some(LOOPBACK), LOOPBACK, true, "a checker on this machine checks loopback"),
            (Some(LOOPBACK), LOCAL, true, "the same from another address of this machine"),
            (Some(LOCAL), LOOPBACK, false, "a program of this machine looks at its own port"),
            (Some(LOCAL), LOCAL, true, "a checker on this machine checks its address"),
            (Some(LOCAL), CHECKER, true, "a checker outside checks this machine's address"),
            (Some(NAT), LOOPBACK, false, "no checker outside connects from loopback"),
            (Some(NAT), LOCAL, false, "nor from an address of this machine"),
            (Some(NAT), CHECKER, true, "a checker outside, through the router"),
            (None, LOOPBACK, false, "no address is known: loopback"),
            (None, LOCAL, false, "no address is known: this machine"),
            (None, CHECKER, true, "no address is known: another machine"),
        ];
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let host = Host { addresses: vec![ip(LOOPBACK), ip(LOCAL)], ..Host::default() };
        for (checked, peer, expected, why) in cases {
            let filter = PeerFilter::of(&host, checked.map(ip));
            assert_eq!(filter.admits(ip(peer)), expected, "{why}");
            assert!(!filter.knows_no_address(), "{why}");
        }
        assert!(PeerFilter::of(&Host::default(), None).knows_no_address());
    }
}
