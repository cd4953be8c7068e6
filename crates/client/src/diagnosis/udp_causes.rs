//! Advice about UDP ports that depends on how far the datagrams came, and on the position of this machine.

use port_checker_api::{PortResult, Reason, Transport};

use super::{
    whereabouts::{INSIDE, OUTSIDE, advice, closed, family, ip, kinds, of, open, port, sights},
    *,
};
use crate::facts::Process;

const V6: &str = "2001:db8::7";

fn udp(local: Local, answer: Option<PortResult>) -> PortFacts {
    PortFacts { transport: Transport::Udp, ..port(51_820, local, answer) }
}

/// A UDP port of a machine that has the address which is seen.
fn direct(seen: &str, port: PortFacts) -> Diagnosis {
    let mut facts = family(seen, vec![port]);
    facts.host.as_mut().unwrap().addresses = vec![ip(seen)];
    of(facts)
}

#[test]
fn a_firewall_that_drops_datagrams_is_named_by_its_place() {
    let silent = || udp(Local::Bound, closed(Reason::TimedOut));
    let watched = || PortFacts { sights: sights(false, false, None), ..silent() };
    let (at_home, elsewhere) =
        ("at home, in the router's firewall for IPv6", "firewall and, in a data centre");
    let cases = [
        (V6, silent(), at_home),
        (INSIDE, silent(), elsewhere),
        (V6, watched(), "its firewall is not the cause. A firewall before this machine drops"),
        (INSIDE, watched(), "its firewall is not the cause. A firewall before this machine drops"),
    ];
    for (seen, port, words) in cases {
        let diagnosis = direct(seen, port);
        assert!(advice(&diagnosis).contains(words), "{words}: {}", advice(&diagnosis));
    }
}

#[test]
fn this_machines_firewall_is_blamed_for_a_refusal_only_where_datagrams_may_have_come() {
    let blamed = "If it does already, this machine's firewall refuses them.";
    for (sights, expected) in [(None, true), (sights(false, false, None), false)] {
        let port = PortFacts { sights, ..udp(Local::Bound, closed(Reason::Refused)) };
        let diagnosis = of(family(OUTSIDE, vec![port]));
        let text = advice(&diagnosis);
        assert!(text.contains("The router has no forward of this UDP port"), "{text}");
        assert_eq!(text.contains(blamed), expected, "{text}");
    }
}

#[test]
fn a_program_of_the_other_family_is_told_in_words_of_udp() {
    let by = Some(Process { pid: 7, name: "wireguard-go".to_owned() });
    let held = Local::InUse { by, listens_on: vec![ip("0.0.0.0")], waiting: 0 };
    let families =
        vec![family(OUTSIDE, vec![udp(held, open())]), family(V6, vec![udp(Local::Bound, open())])];
    let diagnosis = diagnose(Facts { quorum: 1, interrupted: false, families });
    let port = &diagnosis.families[1].ports[0];
    assert_eq!(port.verdict, PortVerdict::OtherFamilyOnly);
    assert!(port.advice.as_deref().unwrap().starts_with("The datagrams got through"), "{port:?}");
}

/// Only a port that another program holds is not asked about.
#[test]
fn a_port_without_any_verdict_is_told_unless_nobody_was_asked() {
    let held = || Local::InUse { by: None, listens_on: vec![ip("0.0.0.0")], waiting: 0 };
    let told = |port| {
        let diagnosis = of(family(OUTSIDE, vec![port]));
        assert_eq!(kinds(&diagnosis), ["behind_nat"]);
        diagnosis.notices.iter().any(|notice| notice.kind().starts_with("no_verdict"))
    };
    assert!(told(udp(Local::Bound, None)));
    assert!(told(port(51_820, held(), None)), "over TCP the program itself is asked about");
    assert!(!told(udp(held(), None)));
}
