//! The address that counts where checkers see several.

use port_checker_api::{PortResult, Reason};

use crate::{
    diagnosis::whereabouts::{INSIDE, OUTSIDE, closed, family, ip, open, port},
    facts::{Arrivals, CheckerFacts, FamilyFacts, Local},
};

const OTHER: &str = "203.0.113.66";

/// A family in which each checker sees its address and gives its answer about a port, to which so many connections
/// came.
fn seen_as(checkers: &[(&str, Option<PortResult>)], connections: u32) -> FamilyFacts {
    let mut facts = family(OUTSIDE, vec![port(7466, Local::Bound, None)]);
    facts.host.as_mut().unwrap().addresses = vec![ip("127.0.0.1"), ip(INSIDE)];
    facts.checkers = checkers
        .iter()
        .map(|(seen, _)| CheckerFacts { address: seen.parse().ok(), ..facts.checkers[0].clone() })
        .collect();
    facts.ports[0].answers = checkers.iter().map(|(_, answer)| answer.clone()).collect();
    facts.ports[0].arrivals = Arrivals { connections, ..Arrivals::default() };
    facts
}

#[test]
fn of_several_addresses_the_most_credible_counts() {
    let silent = || closed(Reason::TimedOut);
    let cases: [(&[_], u32, Option<&str>, &str); 9] = [
        (&[(OUTSIDE, silent()), (INSIDE, silent())], 0, Some(OUTSIDE), "the Internet sees it"),
        (&[(INSIDE, silent()), (OUTSIDE, silent())], 0, Some(OUTSIDE), "whatever the order"),
        (&[(OUTSIDE, silent()), ("127.0.0.1", silent())], 0, Some(OUTSIDE), "every machine has it"),
        (
            &[(OUTSIDE, silent()), (OTHER, silent()), (OTHER, silent())],
            0,
            Some(OTHER),
            "most see it",
        ),
        (&[(OUTSIDE, silent()), (OTHER, open())], 1, Some(OTHER), "it was reached there"),
        (&[(OUTSIDE, silent()), (OTHER, open())], 0, Some(OUTSIDE), "nothing came: it is invented"),
        (&[(OUTSIDE, silent()), (OTHER, silent())], 1, Some(OUTSIDE), "of equals the first"),
        (&[("", silent()), (OTHER, silent())], 0, Some(OTHER), "the first does not tell"),
        (&[("", None)], 0, None, "nobody tells"),
    ];
    for (checkers, connections, expected, why) in cases {
        assert_eq!(seen_as(checkers, connections).seen(), expected.map(ip), "{why}");
    }
}
