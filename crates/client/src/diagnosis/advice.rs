//! Advice about a port: a sentence or two that a person without a degree in networks can act on.

use port_checker_api::Transport;

use super::{
    network_position::NetworkPosition,
    path::{Station, last_station},
    refusals::{refused, rejected},
    silence::{nothing_arrived, timed_out},
    surroundings::Surroundings,
    udp_advice::udp_advice,
    verdict::PortVerdict,
};
use crate::{
    facts::{Local, PortFacts},
    sights::Sights,
};

const OTHER_FAMILY_ONLY: &str = "The connection got through, and this check answered it: the program that uses the \
    port listens over the other address family only. Let it listen on both (such as [::] and 0.0.0.0), or \
    publish no address of this family.";

const PROGRAM_HANGS: &str = "Connections wait in the queue of the program that holds the port, and it takes none: \
    it hangs, or is overloaded. Restart it.";

/// Advice about a port; none if all is well. `dissenters` are the checkers that disagree, with their
/// findings.
pub(super) fn advice(
    verdict: PortVerdict,
    facts: &PortFacts,
    surroundings: &Surroundings<'_>,
    dissenters: &[(&str, PortVerdict)],
) -> Option<String> {
    let what_to_do = match facts.transport {
        Transport::Udp => udp_advice(verdict, facts, surroundings),
        _ => None,
    };
    let what_to_do = what_to_do.or_else(|| of_connections(verdict, facts, surroundings));
    let what_to_do = what_to_do.map(|what_to_do| what_to_do + &surroundings.neighbour());
    let otherwise =
        dissenters.iter().map(|(url, found)| format!("Not so from {url}: {}.", found.words()));
    let parts: Vec<String> = what_to_do.into_iter().chain(otherwise).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn of_connections(
    verdict: PortVerdict,
    facts: &PortFacts,
    surroundings: &Surroundings<'_>,
) -> Option<String> {
    let position = surroundings.position;
    match verdict {
        PortVerdict::Proven | PortVerdict::Arrived | PortVerdict::Reachable => None,
        PortVerdict::NoVerdict | PortVerdict::FamilyMissing => None,
        PortVerdict::Disagreement => Some(
            "Some checkers get through and others do not: a firewall admits only some addresses, or \
             one checker is wrong. Ask a third checker."
                .to_owned(),
        ),
        PortVerdict::NotBound => Some(not_bound(facts)),
        PortVerdict::Refused => Some(refused(facts, surroundings)),
        PortVerdict::Rejected => Some(rejected(facts, surroundings)),
        PortVerdict::TimedOut => Some(timed_out(facts, surroundings)),
        PortVerdict::NothingArrived => Some(nothing_arrived(facts, surroundings)),
        PortVerdict::BlockedHere => Some(blocked_here(facts, surroundings)),
        PortVerdict::OtherFamilyOnly => Some(OTHER_FAMILY_ONLY.to_owned()),
        PortVerdict::ProgramHangs => Some(program_hangs(facts)),
        PortVerdict::AnswersLost => Some(answers_lost(facts)),
        PortVerdict::AnotherHost => Some(another_host(facts, surroundings)),
        other => Some(fixed(other, position)),
    }
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

fn blocked_here(facts: &PortFacts, surroundings: &Surroundings<'_>) -> String {
    let sights = facts.sights.as_ref();
    let interface = sights.and_then(Sights::interface).unwrap_or("an interface");
    let mut senders = sights.iter().flat_map(|sights| &sights.peers);
    let unknown = senders.find(|sights| sights.interface.is_some()).map(|sights| sights.peer);
    let unknown = unknown.filter(|_| !surroundings.senders.is_certain);
    let from = unknown.map(|sender| format!(" from {sender}, which may or may not be the checker"));
    let router = match surroundings.position {
        // A sender of the local network passed no router.
        NetworkPosition::BehindNat { .. }
            if unknown.is_none_or(|sender| !surroundings.is_near(sender)) =>
        {
            " The router forwards it already."
        }
        _ => "",
    };
    format!(
        "The connections came in at {interface}{}, and a firewall on this machine stops them (nftables, \
         iptables, ufw or firewalld). Allow incoming TCP connections there.{router} If no rule does it, look for \
         a redirect (Docker) and for the reverse-path filter (rp_filter).",
        from.unwrap_or_default()
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

fn program_hangs(facts: &PortFacts) -> String {
    if last_station(facts) == Station::Interface {
        return format!(
            "{PROGRAM_HANGS} The connections came as far as this machine: the router is not the cause."
        );
    }
    format!("{PROGRAM_HANGS} If the port stays silent then, look at the firewalls and the router.")
}

fn another_host(facts: &PortFacts, surroundings: &Surroundings<'_>) -> String {
    if [Station::Interface, Station::AnswerLeft].contains(&last_station(facts)) {
        return "The connections came to this machine, and another listener than this check answered: look for a \
                redirect here, such as that of a container (Docker), or for a proxy."
            .to_owned();
    }
    surroundings.wrong_mapping(facts.transport_port()).unwrap_or_else(|| {
        let router = match surroundings.position {
            position if position.direct().is_some() => "Look where the address leads.".to_owned(),
            position => format!("Let the router forward TCP to {}.", position.here()),
        };
        format!(
            "The address or the forward leads to another machine, or to a service of the router itself. {router}"
        )
    })
}

/// Verdicts whose advice does not depend on the port.
fn fixed(verdict: PortVerdict, position: &NetworkPosition) -> String {
    let here = position.here();
    match verdict {
        PortVerdict::Intercepted => {
            "A proxy, load balancer or virus scanner between the Internet and this machine answers \
             instead of it. Let connections to these ports bypass it."
                .to_owned()
        }
        PortVerdict::Contradicted => format!(
            "Either another machine answered instead of this one, and the router should forward to {here}; \
             or the checker is wrong: ask another one."
        ),
        PortVerdict::Reset => {
            "The service, or something in front of it, accepts connections and hangs up at once. Look \
             at its log, and whether it admits strangers."
                .to_owned()
        }
        _ => "Those are the checker's own words; ask another one if they do not help.".to_owned(),
    }
}
