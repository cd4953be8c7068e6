use port_checker_client::Family::{Ipv4, Ipv6};

use super::*;
use crate::monitor::observation::PortState;

const OPEN: Option<bool> = Some(true);
const CLOSED: Option<bool> = Some(false);
const UNKNOWN: Option<bool> = None;

/// A round with these states of ports from 1 on, seen from 192.0.2.`host`.
fn round(status: u8, host: Option<u8>, ports: &[Option<bool>]) -> Observation {
    let state = |(number, reachable): (u16, &Option<bool>)| PortState {
        family: Ipv4,
        port: TransportPort::from(Port::new(number).unwrap()),
        reachable: *reachable,
    };
    Observation {
        status,
        addresses: host.map(|host| (Ipv4, IpAddr::from([192, 0, 2, host]))).into_iter().collect(),
        ports: (1..).zip(ports).map(state).collect(),
    }
}

/// The changes in the last of several rounds, in words, and whether they concern verdicts.
fn of_last(rounds: &[Observation]) -> (String, bool) {
    let (last, earlier) = rounds.split_last().unwrap();
    let known = earlier.iter().fold(None, |known, round| Some(Known::after(known, round)));
    let changes = changes(&known.unwrap(), last);
    assert_eq!(changes.is_empty(), changes.to_string().is_empty() && !changes.concern_verdicts());
    (changes.to_string(), changes.concern_verdicts())
}

#[test]
fn the_changes_of_a_round() {
    let here = Some(1);
    let silence = || round(3, None, &[UNKNOWN; 3]);
    let all_open = || round(0, here, &[OPEN; 3]);
    let rows = [
        (vec![all_open(), all_open()], "", false, "nothing"),
        (
            vec![all_open(), round(1, here, &[CLOSED, OPEN, CLOSED])],
            "1, 3 no longer reachable over IPv4",
            true,
            "two ports are lost",
        ),
        (
            vec![round(1, here, &[CLOSED, OPEN, CLOSED]), round(1, here, &[OPEN, CLOSED, OPEN])],
            "1, 3 now reachable over IPv4; 2 no longer reachable over IPv4",
            true,
            "the same status, other ports",
        ),
        (vec![all_open(), silence()], "no verdict any more", true, "the checker is gone"),
        (vec![all_open(), silence(), silence()], "", false, "it still is"),
        (vec![all_open(), silence(), all_open()], "a verdict again", true, "it came back"),
        (
            vec![all_open(), silence(), round(1, here, &[OPEN, OPEN, CLOSED])],
            "3 no longer reachable over IPv4; a verdict again",
            true,
            "a port was lost while nobody looked",
        ),
        (
            vec![silence(), all_open()],
            "1-3 reachable over IPv4; a verdict again; IPv4 address 192.0.2.1",
            true,
            "the first verdict",
        ),
        (
            vec![silence(), round(1, here, &[CLOSED, UNKNOWN, UNKNOWN])],
            "1 not reachable over IPv4; a verdict again; IPv4 address 192.0.2.1",
            true,
            "the first verdict about one port",
        ),
        (
            vec![round(1, here, &[CLOSED, OPEN, OPEN]), round(1, here, &[CLOSED, UNKNOWN, OPEN])],
            "",
            false,
            "no verdict about one of several, with the same status",
        ),
        (
            vec![all_open(), round(0, Some(2), &[OPEN; 3])],
            "IPv4 address 192.0.2.2, before 192.0.2.1",
            false,
            "another address",
        ),
        (
            vec![all_open(), silence(), round(0, Some(2), &[OPEN; 3])],
            "a verdict again; IPv4 address 192.0.2.2, before 192.0.2.1",
            true,
            "another address after a silence",
        ),
    ];
    for (rounds, words, concern_verdicts, why) in rows {
        assert_eq!(of_last(&rounds), (words.to_owned(), concern_verdicts), "{why}");
    }
}

#[test]
fn a_family_that_is_gone_is_told_and_its_verdicts_are_kept() {
    let port = Port::new(1).unwrap();
    let port = TransportPort::from(port);
    let over = |family, reachable| PortState { family, port, reachable };
    let both = |ipv6| Observation {
        status: 0,
        addresses: vec![
            (Ipv4, [192, 0, 2, 1].into()),
            (Ipv6, IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])),
        ],
        ports: vec![over(Ipv4, OPEN), over(Ipv6, ipv6)],
    };
    let gone = || round(0, Some(1), &[OPEN]);
    let words = |rounds: &[Observation]| of_last(rounds).0;
    assert_eq!(words(&[both(OPEN), gone()]), "no IPv6 address, before 2001:db8::1");
    assert_eq!(words(&[both(OPEN), gone(), both(OPEN)]), "IPv6 address 2001:db8::1");
    assert_eq!(
        words(&[both(OPEN), gone(), both(CLOSED)]),
        "1 no longer reachable over IPv6; IPv6 address 2001:db8::1"
    );
}
