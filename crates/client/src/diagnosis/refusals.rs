//! Advice about ports whose connections were refused or rejected.

use super::{
    judgement::icmp_from,
    network_position::NetworkPosition,
    path::{Station, last_station},
    silence::{INNOCENT, allow_in, no_forward_helps, outside_firewall},
    surroundings::Surroundings,
};
use crate::{
    facts::{Local, PortFacts},
    family::Family,
};

/// Said of a port whose program listens on loopback addresses alone.
pub(super) const LOOPBACK_ONLY: &str = "The program that holds the port listens on this machine's loopback address only. \
    Let it listen on all addresses (0.0.0.0 or ::).";

pub(super) fn refused(facts: &PortFacts, surroundings: &Surroundings<'_>) -> String {
    let position = surroundings.position;
    if let Some(Local::InUse { listens_on, .. }) = &facts.local
        && !listens_on.is_empty()
        && listens_on.iter().all(|ip| ip.is_loopback())
    {
        return LOOPBACK_ONLY.to_owned();
    }
    if matches!(&facts.local, Some(Local::InUse { listens_on, .. }) if listens_on.is_empty()) {
        return "The port is taken, but nobody listens on it: it is the near end of a connection that \
                a program of this machine has made. Try again; to keep such connections away from your \
                ports, name them in the kernel's net.ipv4.ip_local_reserved_ports."
            .to_owned();
    }
    if let Some(advice) = no_forward_helps(position) {
        return advice.to_owned();
    }
    if matches!(position, NetworkPosition::BehindNat { .. }) {
        return refused_behind_nat(facts, surroundings);
    }
    match (&facts.local, position.direct()) {
        (Some(Local::Bound), Some(family)) if last_station(facts) == Station::None => {
            format!("{INNOCENT}{}", outside_firewall(family, "refuses"))
        }
        (Some(Local::Bound), Some(family)) => format!(
            "A firewall refuses the connections before they reach our listener. {}{}",
            allow_in(family),
            surroundings.root()
        ),
        _ => "The host answered that nothing listens there. Start the service, on all addresses; \
              behind a router, correct the machine that the port is forwarded to."
            .to_owned(),
    }
}

fn refused_behind_nat(facts: &PortFacts, surroundings: &Surroundings<'_>) -> String {
    if let Some(wrong) = surroundings.wrong_mapping(facts.transport_port()) {
        return wrong;
    }
    let router = format!(
        "The router forwards to a machine or a port where nothing listens, or has no forward and refuses by itself. \
         Let it forward TCP to the same port of {}.",
        surroundings.position.here()
    );
    if !may_be_here(facts, surroundings) {
        return router;
    }
    let root = surroundings.root();
    format!("{router} If it does already, this machine's firewall refuses the connections.{root}")
}

pub(super) fn rejected(facts: &PortFacts, surroundings: &Surroundings<'_>) -> String {
    if let Some(family) = surroundings.position.direct() {
        return rejected_before(facts, surroundings, family);
    }
    let says = "says that it must not or cannot pass the connections on. Look for a rule that rejects them in your router";
    if may_be_here(facts, surroundings) {
        return format!(
            "A router on the way, or this machine's firewall, {says} and in this machine's firewall, and whether the \
             machine that the router forwards to is on.{}",
            surroundings.root()
        );
    }
    format!("A router on the way {says}, and whether the machine it forwards to is on.")
}

/// The advice where no router of the provider's own translates addresses. Who rejected is known only of checkers that
/// name the sender of the message; one of this machine's addresses is another verdict.
fn rejected_before(facts: &PortFacts, surroundings: &Surroundings<'_>, family: Family) -> String {
    if let Some(sender) = facts.answers.iter().flatten().find_map(icmp_from) {
        return format!(
            "{sender}, on the way to this machine, says that it must not or cannot pass the connections on. Look \
             for a rule that rejects them there."
        );
    }
    if last_station(facts) == Station::None {
        return format!("{INNOCENT}{}", outside_firewall(family, "rejects"));
    }
    format!("A firewall rejects the connections. {}{}", allow_in(family), surroundings.root())
}

/// Whether it may be this machine's firewall that refuses, which nobody can tell from a router that translates its
/// address: packets were not watched, and the port is one of this machine.
fn may_be_here(facts: &PortFacts, surroundings: &Surroundings<'_>) -> bool {
    matches!(surroundings.position, NetworkPosition::BehindNat { .. })
        && last_station(facts) == Station::Unknown
        && matches!(facts.local, Some(Local::Bound | Local::InUse { .. }))
}
