//! Rejections of which most are silent, because those who reject send few messages.

use port_checker_api::{Reason, Transport};

use super::{
    sentences::with_icmp,
    whereabouts::{OUTSIDE, closed, family, kinds, of, open, port},
    *,
};
use crate::facts::Watch;

/// Ports that were rejected (`r`), refused by ICMP (`i`) or by RST (`x`), silent (`-`) or reached (`+`);
/// numbers at blanks are left out.
fn ports(signs: &str, transport: Transport) -> FamilyFacts {
    let signs = signs.chars().zip(50_800..).filter(|(sign, _)| *sign != ' ');
    let ports = signs.map(|(sign, number)| {
        let answer = match sign {
            'r' => closed(Reason::HostUnreachable),
            'i' => closed(Reason::Refused).map(|answer| with_icmp(answer, "203.0.113.7")),
            'x' => closed(Reason::Refused),
            '-' => closed(Reason::TimedOut),
            _ => open(),
        };
        PortFacts { transport, ..port(number, Local::Bound, answer) }
    });
    FamilyFacts { watch: Watch::NotPermitted, ..family(OUTSIDE, ports.collect()) }
}

#[test]
fn rejections_by_icmp_that_are_limited_are_one_likely_cause() {
    let (tcp, udp) = (Transport::Tcp, Transport::Udp);
    let cases = [
        ("rrrrrr------rr", tcp, true, "the first ones, and the last after a second"),
        ("iii--------i", tcp, true, "port unreachable"),
        ("xxx--------x", tcp, false, "RST is not limited"),
        ("xxx--------x", udp, true, "over UDP a refusal is by ICMP"),
        ("rrrrrr++++--rr", tcp, true, "others are open"),
        ("rr------------", tcp, true, "the first ones"),
        ("------------rr", tcp, true, "the last ones"),
        ("rrrrrrrrrrrr------", tcp, false, "two ranges, perhaps two rules"),
        ("r ------------", tcp, false, "another number, perhaps another rule"),
        ("rr--r", tcp, false, "too few"),
        ("rrrrrrrrrrrr", tcp, false, "none is silent"),
    ];
    for (signs, transport, expected, why) in cases {
        let diagnosis = of(ports(signs, transport));
        assert_eq!(kinds(&diagnosis).contains(&"limited_rejections"), expected, "{why}");
        let silent = diagnosis.families[0].ports.iter();
        let silent = silent.filter(|port| port.verdict == PortVerdict::NothingArrived);
        for port in silent {
            let advice = port.advice.as_deref().unwrap_or_default();
            assert_eq!(advice.starts_with("Likely they are rejected"), expected, "{why}: {advice}");
        }
    }
}

/// What is likely about ports of one transport says nothing about those of the other.
#[test]
fn a_likely_cause_is_that_of_one_transport() {
    let mut facts = ports("rrrrrr------rr", Transport::Tcp);
    facts.ports.extend(ports("-", Transport::Udp).ports);
    let diagnosis = of(facts);
    let udp = diagnosis.families[0].ports.last().and_then(|port| port.advice.as_deref());
    assert!(udp.is_some_and(|advice| advice.starts_with("Let the router forward UDP")), "{udp:?}");
}
