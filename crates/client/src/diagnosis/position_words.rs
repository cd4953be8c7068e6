//! The name and the words of a position in the network.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;

use super::network_position::NetworkPosition;

impl NetworkPosition {
    /// Its name in JSON.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Elsewhere => "elsewhere",
            Self::Direct(_) => "direct",
            Self::BehindNat { .. } => "behind_nat",
            Self::Container { .. } => "container",
            Self::PointToPoint { .. } => "point_to_point",
            Self::Tunnel { .. } => "tunnel",
            Self::DoubleNat { .. } => "double_nat",
            Self::NoPublicAddress { .. } => "no_public_address",
            Self::NotTheRouters { .. } => "not_the_routers_address",
            Self::LanChecker { .. } => "lan_checker",
            Self::SameNetwork { .. } => "same_network",
            Self::CarrierGradeNat { .. } => "carrier_grade_nat",
        }
    }
}

/// For a person: what it is and what to do about it.
impl fmt::Display for NetworkPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elsewhere => f.write_str("The ports are those of another machine."),
            Self::Direct(family) => {
                write!(f, "The {family} address checked is one of this machine.")
            }
            Self::BehindNat { works: true, .. } => {
                f.write_str("This machine is behind NAT, and forwarding works.")
            }
            Self::BehindNat { seen, inside, wan_unknown, .. } => {
                behind_nat(f, *seen, *inside, *wan_unknown)
            }
            Self::LanChecker { checker, seen } => write!(
                f,
                "The checker at {checker} is in the local network. What it finds about {seen} says nothing \
                 about connections from the Internet: a router may pass connections from inside back in \
                 (hairpin NAT) and drop those from outside, or the reverse. Ask a checker outside."
            ),
            &Self::SameNetwork { checker, network } => same_network(f, checker, network),
            &Self::Container { seen, inside } => container(f, seen, inside),
            Self::PointToPoint { interface, is_modem, seen } => {
                point_to_point(f, interface, *is_modem, *seen)
            }
            Self::Tunnel { interface, seen } => write!(
                f,
                "Packets to the Internet leave through {interface}, a tunnel such as a VPN: {seen} is the \
                 address of its other end, or of a router beyond, and a forward in a router before this machine makes \
                 no difference. Let the checkers be reached without the tunnel, or have the ports forwarded \
                 at its other end: a VPN's provider must do that."
            ),
            Self::DoubleNat { router, wan, seen } => write!(
                f,
                "No forward in the router {router} can work alone: its address on the Internet's side is {wan}, \
                 and the address checked is {seen}. Another router beyond it translates addresses: the provider's \
                 (carrier-grade NAT), or a second one of yours, which must then forward to {wan}. If it is \
                 the provider's, ask for a public IPv4 address, use IPv6, or rent a small server with a \
                 public address that tunnels to this machine. Only if this router has several lines is it different: \
                 then the forward belongs to the line of {seen}."
            ),
            Self::NoPublicAddress { router, seen } => write!(
                f,
                "The router {router} says that it has no public address, while {seen} is seen outside. Another router \
                 beyond it is likely to translate addresses: the provider's (carrier-grade NAT), or a second one of \
                 yours, which must then forward too. If it is the provider's, ask for a public IPv4 address, use \
                 IPv6, or rent a small server with a public address that tunnels to this machine."
            ),
            Self::NotTheRouters { router, wan, given } => write!(
                f,
                "The address given, {given}, is not that of the router {router}, which is {wan}. If {given} is \
                 right, another router beyond it translates addresses, and no forward in {router} can work \
                 alone; leave --ip out to have the checkers say from which address they see this machine."
            ),
            Self::CarrierGradeNat { address } => write!(
                f,
                "Carrier-grade NAT is likely: {address} is one of the addresses (100.64.0.0/10) that \
                 Internet providers share among many customers. If so, no forward in your own router can \
                 work: ask your provider for a public IPv4 address, use IPv6, or rent a small server \
                 with a public address that tunnels to this machine."
            ),
        }
    }
}

fn behind_nat(
    f: &mut fmt::Formatter<'_>,
    seen: IpAddr,
    inside: Option<IpAddr>,
    wan_unknown: bool,
) -> fmt::Result {
    let here = inside.map_or_else(String::new, |inside| format!(" ({inside})"));
    write!(f, "Behind NAT: the address checked, {seen}, is not one of this machine{here}.")?;
    if wan_unknown {
        write!(
            f,
            " The router does not tell its own address (UPnP and NAT-PMP seem to be off): look for it on the \
             router's status page. If it is not {seen}, no forward in this router can work alone."
        )?;
    }
    Ok(())
}

fn point_to_point(
    f: &mut fmt::Formatter<'_>,
    interface: &str,
    is_modem: bool,
    seen: IpAddr,
) -> fmt::Result {
    write!(f, "Packets to the Internet leave through {interface}, ")?;
    if is_modem {
        write!(
            f,
            "a mobile modem, and {seen} is not the address there: the modem or the mobile provider translates \
             addresses, the provider likely for many customers at once (carrier-grade NAT). Ask it for a public \
             address (some have an APN for that), use IPv6, or rent a small server with a public address that \
             tunnels to this machine."
        )
    } else {
        write!(
            f,
            "a PPP line, and {seen} is not the address there: addresses are translated at its other end, or \
             beyond. If that is your Internet provider (carrier-grade NAT), ask for a public address, use IPv6, or \
             rent a small server with a public address that tunnels to this machine. If it is a VPN (PPTP, L2TP), \
             let the checkers be reached without it, or ask its provider for forwarded ports."
        )
    }
}

fn same_network(
    f: &mut fmt::Formatter<'_>,
    checker: IpAddr,
    network: Option<IpNet>,
) -> fmt::Result {
    match network {
        Some(network) => write!(
            f,
            "The checker at {checker} is in the same network as this machine ({network}), and what it finds holds for \
             that network only. Whether the Internet reaches the ports, only a checker outside of it can tell."
        ),
        None => write!(
            f,
            "The checker at {checker} is on this machine, and what it finds holds for this machine only. Whether the \
             Internet reaches the ports, only a checker outside can tell."
        ),
    }
}

fn container(f: &mut fmt::Formatter<'_>, seen: IpAddr, inside: Option<IpAddr>) -> fmt::Result {
    let here = inside.map_or_else(String::new, |inside| format!(" ({inside})"));
    write!(
        f,
        "This is likely a container behind a bridge of its host: the address checked, {seen}, is not one of the \
         container{here}. Then the host must publish the ports (-p of docker run, ports of Compose), and a router before \
         the host must forward them to the host, not to the container. Or the container uses the host's network \
         (--network=host)."
    )
}
