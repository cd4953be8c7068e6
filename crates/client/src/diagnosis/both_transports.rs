//! The diagnosis of ports of both transports beside each other.

use port_checker_api::{PortResult, Reason, Transport};

use super::{
    whereabouts::{OUTSIDE, closed, family, kinds, of, open, port},
    *,
};

/// A port that is reached, or silent.
fn number(number: u16, transport: Transport, works: bool) -> PortFacts {
    let answer: Option<PortResult> = if works { open() } else { closed(Reason::TimedOut) };
    PortFacts { transport, ..port(number, Local::Bound, answer) }
}

#[test]
fn a_number_that_works_over_one_transport_only_is_named() {
    let over = |transport, works| number(51_820, transport, works);
    let (tcp, udp) = (Transport::Tcp, Transport::Udp);
    let udp_missing = "51820/udp: TCP gets through with the same number, and UDP does not. Likely the forward in the \
        router or the rule of the firewall is for TCP only, which is easily overlooked. Let it cover UDP too.";
    let cases = [
        (vec![over(tcp, true), over(udp, false)], Some(udp_missing), "TCP works"),
        (vec![over(tcp, false), over(udp, true)], Some("51820: UDP gets through"), "UDP works"),
        (vec![over(tcp, true), over(udp, true)], None, "both work"),
        (vec![over(tcp, false), over(udp, false)], None, "neither works"),
        (vec![over(udp, false)], None, "TCP was not asked about"),
        (vec![number(443, tcp, true), over(udp, false)], None, "another number works"),
    ];
    for (ports, expected, why) in cases {
        let notices = of(family(OUTSIDE, ports)).families.remove(0).notices;
        let told = notices.iter().find(|it| it.kind() == "only_one_transport_works");
        let told = told.map(ToString::to_string);
        assert_eq!(told.is_some(), expected.is_some(), "{why}");
        assert!(told.unwrap_or_default().starts_with(expected.unwrap_or_default()), "{why}");
    }
}

/// Silent ports of one transport are no pattern among those of the other.
#[test]
fn patterns_are_those_of_one_transport() {
    let port = |(index, port)| {
        let works = index % 2 == 0;
        number(port, if works { Transport::Tcp } else { Transport::Udp }, works)
    };
    let alternating = (50_800..50_824).enumerate().map(port).collect();
    assert_eq!(kinds(&of(family(OUTSIDE, alternating))), ["behind_nat"]);
}
