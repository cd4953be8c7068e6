//! Advice about UDP ports, where it differs from that about TCP ports.

use std::net::IpAddr;

use super::{
    judgement::icmp_from,
    network_position::NetworkPosition,
    path::{Station, last_station},
    refusals::LOOPBACK_ONLY,
    silence::{INNOCENT, no_forward_helps},
    surroundings::Surroundings,
    verdict::PortVerdict,
};
use crate::{
    facts::{Local, PortFacts},
    family::Family,
    sights::Sights,
};

/// A port that must be open from outside, and what works without.
const SPEAKS_FIRST: &str =
    "A program that only sends to others first, such as a WireGuard client, works without.";

/// Advice about a UDP port; none if that about connections fits as well.
pub(super) fn udp_advice(
    verdict: PortVerdict,
    facts: &PortFacts,
    surroundings: &Surroundings<'_>,
) -> Option<String> {
    match verdict {
        PortVerdict::NoVerdict => held(facts),
        PortVerdict::NotBound if facts.local == Some(Local::NotPermitted) => Some(
            "Only a privileged user may use ports below 1024. Run this as root (sudo), or permit the program with \
             'setcap cap_net_bind_service=+ep'."
                .to_owned(),
        ),
        PortVerdict::Refused => Some(refused(facts, surroundings)),
        PortVerdict::Rejected => Some(rejected(facts, surroundings)),
        PortVerdict::NothingArrived => Some(nothing_arrived(facts, surroundings)),
        PortVerdict::TimedOut => Some(timed_out(facts, surroundings)),
        PortVerdict::BlockedHere => Some(blocked_here(facts, surroundings)),
        PortVerdict::AnswersLost => Some(answers_lost(facts, surroundings).to_owned()),
        PortVerdict::AnotherHost => Some(another_host(facts, surroundings)),
        PortVerdict::OtherFamilyOnly => Some(
            "The datagrams got through, and this check answered them: the program that uses the port listens over the \
             other address family only. Let it listen on both, or publish no address of this family."
                .to_owned(),
        ),
        _ => None,
    }
}

/// Another program has the port, and nobody was asked: it would not answer.
fn held(facts: &PortFacts) -> Option<String> {
    let Some(Local::InUse { by, .. }) = &facts.local else { return None };
    let holder = by.as_ref().map_or("what holds it", |by| &by.name);
    Some(format!(
        "Nobody was asked, because only a program that knows this check answers it over UDP. Run this as root (sudo), or \
         permit the program with 'setcap cap_net_raw=+ep': then it answers beside {holder}, which goes on meanwhile. \
         Or stop {holder} for the time of the check."
    ))
}

fn refused(facts: &PortFacts, surroundings: &Surroundings<'_>) -> String {
    if facts.local.is_none() {
        return "The host answered that no program has the port. Start the service, on all addresses; behind a router, \
                correct the machine that the port is forwarded to."
            .to_owned();
    }
    if let Some(Local::Shared { listens_on, .. }) = &facts.local
        && let Some(advice) = not_on_the_address(listens_on)
    {
        return advice.to_owned();
    }
    if let Some(advice) = no_forward_helps(surroundings.position) {
        return advice.to_owned();
    }
    match surroundings.position {
        NetworkPosition::BehindNat { .. } => {
            surroundings.wrong_mapping(facts.transport_port()).unwrap_or_else(|| {
                format!(
                    "The router has no forward of this UDP port and refuses by itself, or forwards to a machine where no \
                     program has it. Let it forward UDP to the same port of {}.{}",
                    surroundings.position.here(),
                    if_unknown(facts, surroundings, " If it does already, this machine's firewall refuses them.")
                )
            })
        }
        _ if last_station(facts) == Station::None => before_this_machine("refuses"),
        _ => format!(
            "A firewall refuses the datagrams before they reach our listener. {}{}",
            allow_in(surroundings.position),
            surroundings.root()
        ),
    }
}

/// Behind NAT nobody can tell this machine's firewall from a router that translates its address, unless packets were
/// watched.
fn rejected(facts: &PortFacts, surroundings: &Surroundings<'_>) -> String {
    let says =
        "says that it must not or cannot pass the datagrams on. Look for a rule that rejects them";
    let is_unknown = last_station(facts) == Station::Unknown;
    let is_ours = facts.local.as_ref().is_some_and(Local::is_ours);
    if surroundings.position.direct().is_some() {
        return match facts.answers.iter().flatten().find_map(icmp_from) {
            Some(sender) => format!("{sender}, on the way to this machine, {says} there."),
            None if !is_unknown => before_this_machine("rejects"),
            None => format!(
                "A firewall rejects the datagrams. {}{}",
                allow_in(surroundings.position),
                surroundings.root()
            ),
        };
    }
    if matches!(surroundings.position, NetworkPosition::BehindNat { .. }) && is_unknown && is_ours {
        return format!(
            "A router on the way, or this machine's firewall, {says} in your router and in this machine's firewall, and \
             whether the machine that the router forwards to is on.{}",
            surroundings.root()
        );
    }
    format!(
        "A router on the way {says} in your router, and whether the machine it forwards to is on."
    )
}

/// Packets were watched, and none came.
fn before_this_machine(does: &str) -> String {
    format!(
        "{INNOCENT}A firewall before this machine {does} the datagrams: in a data centre the provider's, at home over IPv6 \
         the router's. Let it admit UDP."
    )
}

/// Why the system itself refuses datagrams at the port of a program.
fn not_on_the_address(listens_on: &[IpAddr]) -> Option<&'static str> {
    if listens_on.is_empty() {
        Some(
            "The port is taken, but the program that holds it gets datagrams of one peer only: it is the near end of \
             what a program of this machine sends. Try again, or keep such programs away from your ports by \
             the kernel's net.ipv4.ip_local_reserved_ports.",
        )
    } else {
        listens_on.iter().all(|ip| ip.is_loopback()).then_some(LOOPBACK_ONLY)
    }
}

/// Words with the way to learn more, where it is not known how far the datagrams came.
fn if_unknown(facts: &PortFacts, surroundings: &Surroundings<'_>, words: &str) -> String {
    if last_station(facts) == Station::Unknown {
        format!("{words}{}", surroundings.root())
    } else {
        String::new()
    }
}

fn nothing_arrived(facts: &PortFacts, surroundings: &Surroundings<'_>) -> String {
    let watched = last_station(facts) == Station::None;
    let innocent = if watched { INNOCENT } else { "" };
    if let Some(cause) = surroundings.likely_cause(facts.transport_port()) {
        return format!("{innocent}{cause}{}", surroundings.root());
    }
    if let Some(advice) = no_forward_helps(surroundings.position) {
        return advice.to_owned();
    }
    match surroundings.position {
        NetworkPosition::BehindNat { .. } => behind_nat(facts, surroundings, innocent),
        _ if watched => before_this_machine("drops"),
        position => format!(
            "A firewall drops the datagrams before they reach us. {} {SPEAKS_FIRST}{}",
            allow_in(position),
            surroundings.root()
        ),
    }
}

fn behind_nat(facts: &PortFacts, surroundings: &Surroundings<'_>, innocent: &str) -> String {
    if let Some(wrong) = surroundings.wrong_mapping(facts.transport_port()) {
        return wrong;
    }
    let here = surroundings.position.here();
    if surroundings.mapped_to(facts.transport_port()).is_some() {
        return format!(
            "{innocent}The router has a mapping of this port to this machine, and nothing came through it: look for a \
             firewall rule about UDP in the router, at the provider{}.{}",
            if innocent.is_empty() { ", or in this machine" } else { "" },
            surroundings.root()
        );
    }
    let firewall = if innocent.is_empty() {
        " If it does already, allow incoming UDP in this machine's firewall."
    } else {
        ""
    };
    format!(
        "{innocent}Let the router forward UDP to {here}: a forward of TCP does not cover it.{firewall} If there is a second \
         router before it, that one must forward to the first. {SPEAKS_FIRST}{}",
        surroundings.root()
    )
}

/// There was no listener of ours that must answer.
fn timed_out(facts: &PortFacts, surroundings: &Surroundings<'_>) -> String {
    if facts.local.is_some() {
        return nothing_arrived(facts, surroundings);
    }
    "Nothing answered, which over UDP says little: only a program that knows this check answers it. Run verify on the \
     machine itself."
        .to_owned()
}

fn blocked_here(facts: &PortFacts, surroundings: &Surroundings<'_>) -> String {
    let interface = facts.sights.as_ref().and_then(Sights::interface).unwrap_or("an interface");
    let router = match surroundings.position {
        NetworkPosition::BehindNat { .. } => " The router forwards it already.",
        _ => "",
    };
    format!(
        "The datagrams came in at {interface}, and a firewall on this machine stops them (nftables, iptables, ufw or \
         firewalld): perhaps one that lets in only answers to what this machine sent first. Allow incoming UDP \
         there.{router} If no rule does it, look for a redirect (Docker) and for the reverse-path filter (rp_filter)."
    )
}

fn answers_lost(facts: &PortFacts, surroundings: &Surroundings<'_>) -> &'static str {
    let left = last_station(facts) == Station::AnswerLeft;
    let kept = facts.arrivals.challenges_sent == 0 || (facts.sights.is_some() && !left);
    let behind_nat = matches!(surroundings.position, NetworkPosition::BehindNat { .. });
    match (kept, behind_nat) {
        (true, _) => {
            "One way only: the datagrams came in, and the answers did not leave this machine. Look for a firewall rule \
             about outgoing UDP here."
        }
        (false, true) => {
            "One way only: the datagrams came in, and the answers did not get back to the checker. Likely the router \
             gives them another source port or address than the one that was asked (symmetric NAT, or a rule for \
             outgoing UDP), so that nobody takes them for answers; or it drops them; or they leave by another way (a \
             VPN, a second line). Let the router treat answers as part of the forward."
        }
        (false, false) => {
            "One way only: the datagrams came in, and the answers did not get back to the checker. Look for a rule about \
             outgoing UDP, here or at the provider, that drops them or changes their source port, and for a default \
             route (a VPN, a second line) that leads another way than the datagrams came."
        }
    }
}

fn another_host(facts: &PortFacts, surroundings: &Surroundings<'_>) -> String {
    if facts.local.is_none() {
        return "A program there answers this check with another challenge than this command's: datagrams get there and \
                back."
            .to_owned();
    }
    if [Station::Interface, Station::AnswerLeft].contains(&last_station(facts)) {
        return "The datagrams came to this machine, and another program than this check answered: look for a redirect \
                here, such as that of a container (Docker)."
            .to_owned();
    }
    surroundings.wrong_mapping(facts.transport_port()).unwrap_or_else(|| {
        format!(
            "Another machine that answers such checks got the datagrams. Let the router forward UDP to {}.",
            surroundings.position.here()
        )
    })
}

const fn allow_in(position: &NetworkPosition) -> &'static str {
    match position {
        NetworkPosition::Direct(Family::Ipv6) => {
            "Allow incoming UDP in this machine's firewall and, at home, in the router's firewall for IPv6; in a data \
             centre, in the provider's."
        }
        _ => {
            "Allow incoming UDP in this machine's firewall and, in a data centre, in the provider's."
        }
    }
}
