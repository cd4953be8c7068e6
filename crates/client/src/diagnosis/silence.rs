//! Advice about ports from which no answer came.

use super::{
    network_position::NetworkPosition,
    path::{Station, last_station},
    surroundings::Surroundings,
};
use crate::{facts::PortFacts, family::Family};

/// Said where packets were watched, and none came.
pub(super) const INNOCENT: &str =
    "Nothing came to any interface of this machine, so its firewall is not the cause. ";

/// The first router must forward nevertheless.
const TWO_ROUTERS: &str =
    "No forward in your router alone can change this; see above for what to do.";

/// An address of 100.64.0.0/10 suggests carrier-grade NAT, and does not prove it.
const LIKELY_CARRIER_GRADE_NAT: &str = "Behind carrier-grade NAT, which is likely, no forward in your router can \
                                        change this; see above for what to do instead.";

/// The other end may be a router of the same person.
const OTHER_END: &str = "A forward in a router makes no difference unless it is the other end of the line; see above for \
                         what to do instead.";

/// A container is told by its marks and its address, which prove nothing.
const LIKELY_UNPUBLISHED: &str = "Likely the host of this container does not publish the port, or a router before the host \
                                  does not forward it; see above for what to do.";

/// The advice where no forward of the router before this machine is enough; none where one may be.
pub(super) const fn no_forward_helps(position: &NetworkPosition) -> Option<&'static str> {
    match position {
        NetworkPosition::CarrierGradeNat { .. } => Some(LIKELY_CARRIER_GRADE_NAT),
        NetworkPosition::DoubleNat { .. }
        | NetworkPosition::NoPublicAddress { .. }
        | NetworkPosition::NotTheRouters { .. } => Some(TWO_ROUTERS),
        NetworkPosition::Tunnel { .. } | NetworkPosition::PointToPoint { .. } => Some(OTHER_END),
        NetworkPosition::Container { .. } => Some(LIKELY_UNPUBLISHED),
        NetworkPosition::BehindNat { .. }
        | NetworkPosition::Direct(_)
        | NetworkPosition::SameNetwork { .. }
        | NetworkPosition::LanChecker { .. }
        | NetworkPosition::Elsewhere => None,
    }
}

pub(super) fn nothing_arrived(facts: &PortFacts, surroundings: &Surroundings<'_>) -> String {
    let watched = last_station(facts) == Station::None;
    let innocent = if watched { INNOCENT } else { "" };
    let root = surroundings.root();
    if let Some((stranger, interface, checker)) = surroundings.stranger().filter(|_| watched) {
        return format!(
            "{stranger} got as far as {interface}, and nothing came from {checker}, from where the checker reached \
             other ports. Look for a rule that admits only some addresses, in the router or at the provider."
        );
    }
    if let Some(cause) = surroundings.likely_cause(facts.transport_port()) {
        return format!("{innocent}{cause}{root}");
    }
    if let Some(advice) = no_forward_helps(surroundings.position) {
        return advice.to_owned();
    }
    match (surroundings.position.direct(), surroundings.position) {
        (_, NetworkPosition::BehindNat { .. }) => behind_nat(facts, surroundings, innocent),
        (Some(family), _) if watched => {
            format!("{innocent}{}", outside_firewall(family, "drops"))
        }
        (Some(family), _) => {
            format!(
                "A firewall drops the connections before they reach us. {}{root}",
                allow_in(family)
            )
        }
        _ => "A firewall drops the connections.".to_owned(),
    }
}

/// The advice behind NAT; `innocent` says that this machine is not the cause, or is empty.
fn behind_nat(facts: &PortFacts, surroundings: &Surroundings<'_>, innocent: &str) -> String {
    let (root, here) = (surroundings.root(), surroundings.position.here());
    // Packets to another port of this machine are not watched, so it may be no more innocent than others.
    if let Some(wrong) = surroundings.wrong_mapping(facts.transport_port()) {
        return wrong;
    }
    match surroundings.mapped_to(facts.transport_port()) {
        Some(_) if innocent.is_empty() => format!(
            "The router has a mapping of this port to this machine. Look for a firewall rule in this machine, \
             in the router, or at the provider.{root}"
        ),
        Some(_) => format!(
            "{innocent}The router has a mapping of this port to this machine, and passes nothing on: \
             look for a firewall rule in the router, or at the provider."
        ),
        None if !innocent.is_empty() => format!(
            "{innocent}Let the router forward TCP to {here}; if there is a second router before \
             it, that one must forward to the first."
        ),
        None => format!(
            "Let the router forward TCP to {here}. If it does already, allow incoming TCP \
             connections in this machine's firewall; and if there is a second router before it, that \
             one must forward to the first.{root}"
        ),
    }
}

/// The firewalls that may stop connections before this machine; `does` says how.
pub(super) fn outside_firewall(family: Family, does: &str) -> String {
    let whose = match family {
        Family::Ipv4 => "in a data centre, the provider's.",
        Family::Ipv6 => {
            "at home, the router's for IPv6; in a data centre, the provider's. There is no NAT over IPv6: it must \
             admit the connections, not forward them."
        }
    };
    format!("A firewall before this machine {does} the connections: {whose}")
}

/// There was no listener of the verification, which could have shown whether anything arrived.
pub(super) fn timed_out(facts: &PortFacts, surroundings: &Surroundings<'_>) -> String {
    // Packets were watched: it is known that none came.
    if last_station(facts) == Station::None {
        return nothing_arrived(facts, surroundings);
    }
    if let Some(cause) = surroundings.likely_cause(facts.transport_port()) {
        return format!("{cause}{}", surroundings.root());
    }
    if let Some(advice) = no_forward_helps(surroundings.position) {
        return advice.to_owned();
    }
    match (surroundings.position.direct(), surroundings.position) {
        (Some(family), _) => {
            let allow = allow_in(family);
            format!("Nothing came back: a firewall drops the packets. {allow}{}", surroundings.root())
        }
        (_, NetworkPosition::BehindNat { .. }) => format!(
            "Nothing came back: let the router forward TCP to {}, and the firewall admit them.{}",
            surroundings.position.here(),
            surroundings.root()
        ),
        _ => "Nothing came back: a firewall drops the packets, or the router before the host does not forward \
              the ports."
            .to_owned(),
    }
}

pub(super) const fn allow_in(family: Family) -> &'static str {
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
