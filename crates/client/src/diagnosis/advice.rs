//! What to do about a port: a sentence or two that a person without a degree in networks can act on.

use super::{
    network_position::NetworkPosition,
    path::{Station, last_station},
    verdict::PortVerdict,
};
use std::net::SocketAddr;

use port_checker_api::Port;

use crate::{
    facts::{Local, PortFacts, Watch},
    family::Family,
    router::{MappingEntry, RouterFacts},
};

const SEE_ABOVE: &str =
    "No forward in your router can change this; see above for what to do instead.";

const NO_FORWARD_CAN_WORK: &str = "Behind carrier-grade NAT nothing gets in, whatever you forward; \
                                   see above for what to do instead.";

const OTHER_FAMILY_ONLY: &str = "The connection got through, and this check answered it: the program that uses the \
    port listens over the other address family only. Let it listen on both (such as [::] and 0.0.0.0), or \
    publish no address of this family.";

const PROGRAM_HANGS: &str = "Connections wait in the queue of the program that holds the port, and it takes none: \
    it hangs, or is overloaded. Restart it; neither the router nor a firewall is the cause.";

/// Facts around a port that decide about its advice.
pub(super) struct Surroundings<'a> {
    pub(super) position: &'a NetworkPosition,
    pub(super) router: Option<&'a RouterFacts>,
    pub(super) watch: Watch,
}

impl Surroundings<'_> {
    /// The machine to which the router maps a port, by its own account.
    fn mapped_to(&self, port: Port) -> Option<SocketAddr> {
        let ports = self.router?.ports.iter();
        let mut ports = ports.filter(|mapped| mapped.port == port.get());
        ports.find_map(|mapped| match &mapped.entry {
            MappingEntry::Mapped { to, enabled: true, .. } => Some(*to),
            _ => None,
        })
    }
}

/// What to do about a port; nothing, if all is well. `dissenters` are the checkers that found
/// otherwise, and what they found.
pub(super) fn advice(
    verdict: PortVerdict,
    facts: &PortFacts,
    surroundings: &Surroundings<'_>,
    dissenters: &[(&str, PortVerdict)],
) -> Option<String> {
    let position = surroundings.position;
    let what_to_do = match verdict {
        PortVerdict::Proven | PortVerdict::Arrived | PortVerdict::Reachable => None,
        PortVerdict::NoVerdict | PortVerdict::FamilyMissing => None,
        PortVerdict::Disagreement => Some(
            "Some checkers get through and others do not: a firewall admits only some addresses, or \
             one checker is wrong. Ask a third checker."
                .to_owned(),
        ),
        PortVerdict::NotBound => Some(not_bound(facts)),
        PortVerdict::Refused => Some(refused(facts, position)),
        PortVerdict::NothingArrived => Some(nothing_arrived(facts, surroundings)),
        PortVerdict::BlockedHere => Some(blocked_here(facts, position)),
        PortVerdict::OtherFamilyOnly => Some(OTHER_FAMILY_ONLY.to_owned()),
        PortVerdict::ProgramHangs => Some(PROGRAM_HANGS.to_owned()),
        PortVerdict::AnswersLost => Some(answers_lost(facts)),
        other => Some(fixed(other, position)),
    };
    let otherwise =
        dissenters.iter().map(|(url, found)| format!("Not so from {url}: {}.", found.words()));
    let parts: Vec<String> = what_to_do.into_iter().chain(otherwise).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn not_bound(facts: &PortFacts) -> String {
    match &facts.local {
        Some(Local::Failed { error }) => {
            format!("This machine cannot listen there: {error}. Nothing can be reached until it can.")
        }
        _ => "Only a privileged user may listen on ports below 1024. Run this as root (sudo), permit \
              the program with 'setcap cap_net_bind_service=+ep', or start the service itself and \
              verify it as it runs."
            .to_owned(),
    }
}

fn refused(facts: &PortFacts, position: &NetworkPosition) -> String {
    if let Some(Local::InUse { listens_on, .. }) = &facts.local
        && !listens_on.is_empty()
        && listens_on.iter().all(|ip| ip.is_loopback())
    {
        return "The program that holds the port listens on this machine's loopback address only. \
                Let it listen on all addresses (0.0.0.0 or ::)."
            .to_owned();
    }
    if matches!(&facts.local, Some(Local::InUse { listens_on, .. }) if listens_on.is_empty()) {
        return "The port is taken, but nobody listens on it: it is the near end of a connection that \
                a program of this machine has made. Try again; to keep such connections away from your \
                ports, name them in the kernel's net.ipv4.ip_local_reserved_ports."
            .to_owned();
    }
    match (&facts.local, position) {
        (_, NetworkPosition::CarrierGradeNat { .. }) => NO_FORWARD_CAN_WORK.to_owned(),
        (_, NetworkPosition::DoubleNat { .. } | NetworkPosition::Tunnel { .. }) => {
            SEE_ABOVE.to_owned()
        }
        (_, NetworkPosition::BehindNat { .. }) => format!(
            "The router forwards to a machine where nothing listens, or refuses by itself. Let it \
             forward TCP to {}.",
            position.here()
        ),
        (Some(Local::Bound), NetworkPosition::Direct(family)) => format!(
            "A firewall refuses the connections before they reach our listener. {}",
            allow_in(*family)
        ),
        _ => "The host answered that nothing listens there. Start the service, on all addresses; \
              behind a router, correct the machine that the port is forwarded to."
            .to_owned(),
    }
}

fn blocked_here(facts: &PortFacts, position: &NetworkPosition) -> String {
    let sights = facts.sights.as_ref();
    let interface = sights.and_then(|sights| sights.interface.as_deref()).unwrap_or("an interface");
    let router = match position {
        NetworkPosition::BehindNat { .. } => " The router forwards it already.",
        _ => "",
    };
    format!(
        "The connections came in at {interface}, and a firewall on this machine stops them (nftables, \
         iptables, ufw or firewalld). Allow incoming TCP connections there.{router}"
    )
}

fn answers_lost(facts: &PortFacts) -> String {
    match (last_station(facts), &facts.sights) {
        (Station::AnswerLeft, _) => {
            "The answers left this machine and did not get to the checker. Look for a router or a \
             provider that drops them, and for a default route (a VPN, a second line) that leads another \
             way than the connections came."
        }
        (_, Some(_)) => {
            "The answers did not leave this machine: look for a firewall rule about outgoing packets here."
        }
        _ => {
            "Look for a firewall rule about outgoing packets, here or in the router, and for a default \
             route (a VPN, a second line) that leads another way than the connections came."
        }
    }
    .to_owned()
}

fn nothing_arrived(facts: &PortFacts, surroundings: &Surroundings<'_>) -> String {
    let innocent = match last_station(facts) {
        Station::None => {
            "Nothing came to any interface of this machine, so its firewall is not the cause. "
        }
        _ => "",
    };
    let watched = !innocent.is_empty();
    let root = match surroundings.watch {
        Watch::NotPermitted => {
            " Run as root, this would tell whether this machine's firewall is the cause."
        }
        _ => "",
    };
    let position = surroundings.position;
    match position {
        NetworkPosition::CarrierGradeNat { .. } => NO_FORWARD_CAN_WORK.to_owned(),
        NetworkPosition::DoubleNat { .. } | NetworkPosition::Tunnel { .. } => SEE_ABOVE.to_owned(),
        NetworkPosition::BehindNat { inside, .. } => match surroundings.mapped_to(facts.port) {
            Some(to) if inside.is_some_and(|inside| inside != to.ip()) => format!(
                "{innocent}The router maps this port to {to}, another machine. Let it forward the port to {}.",
                position.here()
            ),
            Some(_) => format!(
                "{innocent}The router has a mapping of this port to this machine, and passes nothing on: \
                 look for a firewall rule in the router, or at the provider.{root}"
            ),
            None if watched => format!(
                "{innocent}Let the router forward TCP to {}; if there is a second router before \
                 it, that one must forward to the first.",
                position.here()
            ),
            None => format!(
                "Let the router forward TCP to {}. If it does already, allow incoming TCP \
                 connections in this machine's firewall; and if there is a second router before it, that \
                 one must forward to the first.{root}",
                position.here()
            ),
        },
        NetworkPosition::Direct(family) if watched => {
            format!("{innocent}{}", outside_firewall(*family))
        }
        NetworkPosition::Direct(family) => {
            format!(
                "A firewall drops the connections before they reach us. {}{root}",
                allow_in(*family)
            )
        }
        NetworkPosition::Elsewhere => "A firewall drops the connections.".to_owned(),
    }
}

const fn outside_firewall(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => {
            "A firewall before this machine drops the connections: in a data centre, the provider's."
        }
        Family::Ipv6 => {
            "A firewall before this machine drops the connections: at home, the router's for IPv6; in a \
             data centre, the provider's. There is no NAT over IPv6: it must admit the connections, not forward them."
        }
    }
}

/// There was no listener of the verification, which could have shown whether anything arrived.
fn timed_out(position: &NetworkPosition) -> String {
    match position {
        NetworkPosition::Direct(family) => {
            format!("Nothing came back: a firewall drops the packets. {}", allow_in(*family))
        }
        NetworkPosition::BehindNat { .. } => format!(
            "Nothing came back: let the router forward TCP to {}, and the firewall admit them.",
            position.here()
        ),
        NetworkPosition::Elsewhere => {
            "Nothing came back: a firewall drops the packets, or the router before the host does not \
             forward the ports."
                .to_owned()
        }
        _ => SEE_ABOVE.to_owned(),
    }
}

const fn allow_in(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => {
            "Allow incoming TCP connections in this machine's firewall and, in a data \
             centre, in the provider's."
        }
        Family::Ipv6 => {
            "Allow incoming TCP connections in this machine's firewall and, at home, in \
             the router's firewall for IPv6; in a data centre, in the provider's."
        }
    }
}

/// Verdicts whose advice does not depend on the port.
fn fixed(verdict: PortVerdict, position: &NetworkPosition) -> String {
    let here = position.here();
    match verdict {
        PortVerdict::AnotherHost => format!(
            "The address or the forward leads to another machine, or to a service of the router \
             itself. Let the router forward TCP to {here}."
        ),
        PortVerdict::Intercepted => {
            "A proxy, load balancer or virus scanner between the Internet and this machine answers in \
             our position. Take it out of the way."
                .to_owned()
        }
        PortVerdict::Contradicted => format!(
            "Either another machine answered in our position, and the router should forward to {here}; \
             or the checker is wrong: ask another one."
        ),
        PortVerdict::Rejected => {
            "A router on the way says that it must not or cannot pass the connections on. Look for a \
             rule that rejects them in your router, and whether the machine it forwards to is on."
                .to_owned()
        }
        PortVerdict::Reset => {
            "The service, or something in front of it, accepts connections and hangs up at once. Look \
             at its log, and whether it admits strangers."
                .to_owned()
        }
        PortVerdict::TimedOut => timed_out(position),
        _ => "Those are the checker's own words; ask another one if they do not help.".to_owned(),
    }
}
