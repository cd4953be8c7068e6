//! The longer words of notices.

use std::{fmt, net::IpAddr};

use port_checker_api::{Transport, TransportPortRanges};

use crate::{family::Family, local_address::is_shared};

pub(super) const EARLIER_TRY: &str =
    "Interrupted: this is the report of the last try that was finished.";

pub(super) const NO_VERDICT_THEIRS: &str = "No checker gave a verdict, which says nothing about your ports. Do what the messages say, try again later, or \
     ask another checker.";

pub(super) const NO_VERDICT_OURS: &str = "No checker could be talked to, which says nothing about your ports. Is the address right, does this machine's \
     connection work, does its firewall let it out, and are the certificates of checkers over HTTPS trusted here \
     (--ca-file)?";

pub(super) fn checker_failed(f: &mut fmt::Formatter<'_>, message: &str) -> fmt::Result {
    let end = if message.ends_with('?') { "" } else { "." };
    write!(f, "A checker gave no verdict: {message}{end}")
}

pub(super) fn lan_only(f: &mut fmt::Formatter<'_>, seen: IpAddr) -> fmt::Result {
    let (address, network) = if is_shared(seen) {
        (
            "an address of 100.64.0.0/10, to which nothing on the Internet can be sent",
            "the same network of a provider, or the same VPN. This proves that network only",
        )
    } else {
        ("a private address", "the same local network. This proves the local network only")
    };
    write!(
        f,
        "The checker sees this machine at {seen}, {address}: it is in {network}. Whether the Internet reaches the \
         ports, only a checker outside can tell."
    )
}

pub(super) fn too_few_verdicts(
    f: &mut fmt::Formatter<'_>,
    verdicts: usize,
    quorum: usize,
) -> fmt::Result {
    write!(
        f,
        "Only {verdicts} {} gave a verdict where {quorum} must agree. Ask more checkers, or lower --quorum.",
        if verdicts == 1 { "checker" } else { "checkers" }
    )
}

pub(super) fn one_family_works(
    f: &mut fmt::Formatter<'_>,
    works: Family,
    fails: Family,
    behind_nat: bool,
) -> fmt::Result {
    write!(
        f,
        "{works} works and {fails} does not: a client that only has {fails} cannot reach you. "
    )?;
    if behind_nat {
        f.write_str("The forwards in the router are missing or cannot work. ")?;
    }
    write!(f, "Until that works, publish the {works} address only.")
}

pub(super) fn one_transport_works(
    f: &mut fmt::Formatter<'_>,
    fails: &TransportPortRanges,
    works: Transport,
) -> fmt::Result {
    let (works, missing) = match works {
        Transport::Udp => ("UDP", "TCP"),
        _ => ("TCP", "UDP"),
    };
    write!(
        f,
        "{fails}: {works} gets through with the same number, and {missing} does not. Likely the forward in the router \
         or the rule of the firewall is for {works} only, which is easily overlooked. Let it cover {missing} too."
    )
}

pub(super) fn stray_datagrams(
    f: &mut fmt::Formatter<'_>,
    ports: &TransportPortRanges,
) -> fmt::Result {
    write!(
        f,
        "{ports}: this check answered beside the program that holds the port, which went on meanwhile. That program got a \
         stray datagram of 160 bytes with each attempt; most programs ignore those that are not theirs."
    )
}

pub(super) fn scan_guard(
    f: &mut fmt::Formatter<'_>,
    answered: usize,
    silent: usize,
    here: Option<bool>,
) -> fmt::Result {
    let place = match here {
        Some(true) => "on this machine, such as fail2ban",
        Some(false) => "in the router or at the provider",
        None => "in a router, at the provider, or on this machine, such as fail2ban",
    };
    write!(
        f,
        "The first {answered} ports answered and all {silent} after them were silent. Likely causes: a guard \
         against port scans ({place}), or a rule that covers only the first ports. Verify the silent ones alone: \
         if they answer then, it is a guard; offer fewer ports at a time."
    )
}

pub(super) fn limited_rejections(
    f: &mut fmt::Formatter<'_>,
    rejected: usize,
    silent: usize,
) -> fmt::Result {
    let ports = if rejected == 1 { "port was" } else { "ports were" };
    let others = if silent == 1 { "beside them was" } else { "beside them were" };
    write!(
        f,
        "{rejected} {ports} rejected by ICMP, and {silent} {others} silent. Likely the same rule rejects them all: Linux \
         and routers send few such messages, often one a second, and none about the others."
    )
}

pub(super) fn scattered_silence(
    f: &mut fmt::Formatter<'_>,
    answered: usize,
    silent: usize,
    every: Option<usize>,
) -> fmt::Result {
    write!(f, "{silent} silent ports are scattered among {answered} that answered")?;
    if let Some(every) = every {
        write!(f, ", one in {every}")?;
    }
    f.write_str(
        ". Firewalls and forwards cover ranges, so the likely cause is a limit on new connections in a second, or \
         on connections at once, in the router, at the provider or on this machine; or a line that loses many \
         packets. Verify the silent ones alone: if they answer then, it is such a limit; offer fewer ports at a \
         time.",
    )
}

pub(super) fn one_checker(
    f: &mut fmt::Formatter<'_>,
    url: &str,
    reaches: bool,
    ports: usize,
    others: usize,
) -> fmt::Result {
    let ports = if ports == 1 { "a port".to_owned() } else { format!("{ports} ports") };
    let others = if others == 1 { "the other does not" } else { "the others do not" };
    if reaches {
        write!(
            f,
            "Only {url} reaches {ports}; {others}. Likely a firewall admits some addresses only, for \
             example those that this machine talked to first: then nobody else reaches the ports."
        )
    } else {
        write!(
            f,
            "Only {url} does not reach {ports} that the others reach. Likely its own line is the cause, or a \
             firewall that drops its address or its country."
        )
    }
}

pub(super) fn contacted_hosts_only(
    f: &mut fmt::Formatter<'_>,
    checker: IpAddr,
    stranger: IpAddr,
) -> fmt::Result {
    write!(
        f,
        "Connections of {stranger} came in, and ports that answered the checker did not answer it. Likely a \
         firewall on this machine bans it, or admits only hosts that this machine talked to first, as it did to \
         {checker}: ask a checker that connects from another address than the one at which it is asked."
    )
}
