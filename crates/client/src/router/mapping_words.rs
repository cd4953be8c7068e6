//! What was done at the router for ports, in words.

use super::{
    facts::{MappingProtocol, MappingTransport, RouterFailureCause},
    port_mapping::{MappingObstacle, MappingState, PortMapping},
};

impl PortMapping {
    /// For a person: what was done about `ports`, which are alike.
    pub fn describe(&self, ports: &str) -> String {
        let transport = match self.transport {
            MappingTransport::Tcp => "tcp",
            MappingTransport::Udp => "udp",
        };
        if let MappingState::NotMapped { reason } = &self.state {
            return format!("Not mapped {ports}/{transport}: {}.", self.describe_obstacle(reason));
        }
        let way = self.way();
        let reachable = match (self.accessible, &self.state) {
            (Some(true), MappingState::Removed { .. }) => "; reachable then",
            (Some(true), _) => "; reachable now",
            (Some(false), _) => "; still not reachable",
            (None, _) => "",
        };
        format!("Mapped {ports}/{transport} at {way}{reachable}. {}", self.describe_end())
    }

    /// The router and the protocol.
    fn way(&self) -> String {
        let router = self.router.map_or_else(String::new, |router| format!(" {router}"));
        let protocol = self.protocol.map_or_else(String::new, |name| format!(" over {name}"));
        format!("the router{router}{protocol}")
    }

    fn describe_end(&self) -> String {
        match &self.state {
            MappingState::Removed { permanent: false } if self.accessible == Some(true) => {
                "Removed again: a forward in the router would make that last.".to_owned()
            }
            MappingState::Removed { permanent: false } => "Removed again.".to_owned(),
            MappingState::Removed { permanent: true } => {
                "Removed again; the router knows only mappings without an end, so it would have stayed if \
                 this program had been killed."
                    .to_owned()
            }
            MappingState::Kept { until } => format!("It stays until {until}."),
            MappingState::NotRemoved { cause, until } => {
                let cause = self.describe_cause(cause);
                let until = until.as_ref().map_or_else(
                    || "Remove it at the router: it has no end.".to_owned(),
                    |until| format!("It ends by itself at {until}."),
                );
                format!("It could not be removed: {cause}. {until}")
            }
            MappingState::Open { lease_seconds: None } => {
                "The router knows only mappings without an end: it stays if this program is killed."
                    .to_owned()
            }
            MappingState::Open { .. } | MappingState::Asked | MappingState::NotMapped { .. } => {
                "It is removed at the end.".to_owned()
            }
        }
    }

    fn describe_obstacle(&self, reason: &MappingObstacle) -> String {
        let way = self.way();
        match reason {
            MappingObstacle::NoRouter => {
                "no router that could be asked translates addresses before this machine".to_owned()
            }
            MappingObstacle::NoProtocol => {
                format!("{way} answers neither UPnP nor PCP nor NAT-PMP")
            }
            MappingObstacle::Taken { to } => {
                format!("{way} maps it to {to}, another machine, and that stays as it is")
            }
            MappingObstacle::AlreadyMapped { to } => {
                format!("{way} maps it to {to}, this machine, already")
            }
            MappingObstacle::OtherPort { offered } => format!(
                "{way} offers the port {offered} instead; probably it is mapped to another machine"
            ),
            MappingObstacle::Failed { cause } => self.describe_cause(cause),
            MappingObstacle::TooMany => "there are too many ports to map in one run".to_owned(),
            MappingObstacle::Interrupted => format!("the run ended before {way} had answered"),
            MappingObstacle::NoTime => format!("{way} took too long for the ports before"),
        }
    }

    fn describe_cause(&self, cause: &RouterFailureCause) -> String {
        let way = self.way();
        match cause {
            RouterFailureCause::NoAnswer => format!("{way} did not answer"),
            RouterFailureCause::NoRoute => format!("no packet gets to {way}"),
            RouterFailureCause::NoPublicAddress => {
                format!("{way} has no public address on the Internet's side")
            }
            RouterFailureCause::Refused(code) => {
                let meaning = meaning(self.protocol, *code);
                format!("{way} refused it ({code}{meaning})")
            }
            RouterFailureCause::OtherHost => format!("{way} names another host"),
            RouterFailureCause::Malformed => format!("the answer of {way} makes no sense"),
        }
    }
}

/// What a code of a protocol says, with a comma before it; nothing for rare ones.
const fn meaning(protocol: Option<MappingProtocol>, code: u16) -> &'static str {
    match (protocol, code) {
        (Some(MappingProtocol::UpnpIgd), 606)
        | (Some(MappingProtocol::Pcp | MappingProtocol::NatPmp), 2) => ", not authorized",
        (Some(MappingProtocol::UpnpIgd), 501) => ", action failed",
        (Some(MappingProtocol::UpnpIgd), 718) => ", the port is mapped to another machine",
        (Some(MappingProtocol::UpnpIgd), 728) | (Some(MappingProtocol::Pcp), 8) => {
            ", no space left"
        }
        (Some(MappingProtocol::Pcp), 10) => ", this machine has too many mappings",
        (Some(MappingProtocol::Pcp), 11) => ", it cannot provide the port",
        (Some(MappingProtocol::NatPmp), 4) => ", no space left",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(state: MappingState, accessible: Option<bool>) -> String {
        let mapping = PortMapping {
            port: 7466,
            transport: MappingTransport::Tcp,
            router: Some([192, 168, 1, 1].into()),
            protocol: Some(MappingProtocol::Pcp),
            state,
            accessible,
        };
        mapping.describe("7466")
    }

    #[test]
    fn what_became_of_a_mapping() {
        use MappingState::{Kept, NotRemoved, Open, Removed};
        let until = || "2026-11-25T10:00:00Z".to_owned();
        let cause = || RouterFailureCause::NoAnswer;
        let yes = Some(true);
        let cases = [
            (Removed { permanent: false }, yes, "; reachable then. Removed again: a forward"),
            (Removed { permanent: false }, Some(false), "; still not reachable. Removed again."),
            (Removed { permanent: true }, None, "PCP. Removed again; the router knows only"),
            (Kept { until: until() }, yes, "; reachable now. It stays until 2026-11-25T10:00:00Z."),
            (
                NotRemoved { cause: cause(), until: Some(until()) },
                yes,
                "It ends by itself at 2026-",
            ),
            (NotRemoved { cause: cause(), until: None }, yes, "Remove it at the router: it has no"),
            (Open { lease_seconds: Some(120) }, yes, "It is removed at the end."),
            (Open { lease_seconds: None }, yes, "stays if this program is killed."),
        ];
        for (state, accessible, words) in cases {
            let text = described(state, accessible);
            assert!(
                text.starts_with("Mapped 7466/tcp at the router 192.168.1.1 over PCP"),
                "{text}"
            );
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn why_a_port_was_not_mapped() {
        use RouterFailureCause::{NoPublicAddress, Refused};
        let to = "192.168.1.20:7466".parse().unwrap();
        let failed = |cause| MappingObstacle::Failed { cause };
        let cases = [
            (MappingObstacle::Taken { to }, "maps it to 192.168.1.20:7466, another machine"),
            (MappingObstacle::AlreadyMapped { to }, "this machine, already."),
            (MappingObstacle::OtherPort { offered: 9 }, "offers the port 9 instead"),
            (MappingObstacle::TooMany, "too many ports"),
            (MappingObstacle::NoTime, "took too long"),
            (MappingObstacle::Interrupted, "the run ended before"),
            (failed(NoPublicAddress), "no public address"),
            (failed(Refused(2)), "refused it (2, not authorized)."),
            (failed(Refused(99)), "refused it (99)."),
        ];
        for (reason, words) in cases {
            let text = described(MappingState::NotMapped { reason }, None);
            assert!(text.starts_with("Not mapped 7466/tcp: ") && text.contains(words), "{text}");
        }
    }
}
