//! What to do about a port: a sentence or two that a person without a degree in networks can act on.

use super::{network_position::NetworkPosition, verdict::PortVerdict};
use crate::{
    facts::{Local, PortFacts},
    family::Family,
};

const NO_FORWARD_CAN_WORK: &str = "Behind carrier-grade NAT nothing gets in, whatever you forward; \
                                   see above for what to do instead.";

/// What to do about a port; nothing, if all is well. `dissenters` are the checkers that found
/// otherwise, and what they found.
pub(super) fn advice(
    verdict: PortVerdict,
    facts: &PortFacts,
    position: &NetworkPosition,
    dissenters: &[(&str, PortVerdict)],
) -> Option<String> {
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
        PortVerdict::NothingArrived => Some(nothing_arrived(position)),
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
        (_, NetworkPosition::BehindNat { .. }) => format!(
            "The router forwards to a machine where nothing listens, or refuses by itself. Let it \
             forward these TCP ports to {}.",
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

fn nothing_arrived(position: &NetworkPosition) -> String {
    match position {
        NetworkPosition::CarrierGradeNat { .. } => NO_FORWARD_CAN_WORK.to_owned(),
        NetworkPosition::BehindNat { .. } => format!(
            "Let the router forward these TCP ports to {}. If it does already, allow incoming TCP \
             connections in this machine's firewall; and if there is a second router before it, that \
             one must forward to the first.",
            position.here()
        ),
        NetworkPosition::Direct(family) => {
            format!("A firewall drops the connections before they reach us. {}", allow_in(*family))
        }
        NetworkPosition::Elsewhere => "A firewall drops the connections.".to_owned(),
    }
}

const fn allow_in(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => {
            "Allow incoming TCP connections to these ports in this machine's firewall and, in a data \
             centre, in the provider's."
        }
        Family::Ipv6 => {
            "Allow incoming TCP connections to these ports in this machine's firewall and, at home, in \
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
             itself. Let the router forward these TCP ports to {here}."
        ),
        PortVerdict::Intercepted => {
            "A proxy, load balancer or virus scanner between the Internet and this machine answers in \
             our position. Take it out of the way of these ports."
                .to_owned()
        }
        PortVerdict::Contradicted => format!(
            "Either another machine answered in our position, and the router should forward to {here}; \
             or the checker is wrong: ask another one."
        ),
        PortVerdict::AnswersLost => {
            "Look for a firewall rule about outgoing packets, here or in the router, and for a default \
             route (a VPN, a second line) that leads another way than the connections came."
                .to_owned()
        }
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
        PortVerdict::TimedOut if *position != NetworkPosition::Elsewhere => format!(
            "Nothing came back: let the router forward these TCP ports to {here}, and the firewall \
             admit them."
        ),
        PortVerdict::TimedOut => {
            "Nothing came back: a firewall drops the packets, or the router before the host does not \
             forward the ports."
                .to_owned()
        }
        _ => "Those are the checker's own words; ask another one if they do not help.".to_owned(),
    }
}
