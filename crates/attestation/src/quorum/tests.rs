//! Ports that several issuers prove together.

use proptest::prelude::*;

use crate::{
    Claims, Expectations, SigningKey, TrustStore,
    samples::{NOW, at, claims, issuer, key, key_set},
};

use super::*;

/// A statement: the number of its trusted set of keys, the name it is signed in, the ports, the vantage.
type Said<'a> = (usize, &'a str, &'a str, &'a str);

fn statements(said: &[Said]) -> Vec<Statement> {
    let keys: Vec<SigningKey> = (0..5).map(|_| key()).collect();
    let mut trusted = TrustStore::default();
    for key in &keys {
        trusted.add(None, key_set(key)).unwrap();
    }
    let expectations = Expectations::new(&trusted, at(NOW));
    let statements = said.iter().map(|&(number, name, open, vantage)| {
        let (open, vantage) = (open.parse().unwrap(), vantage.parse().ok());
        let token = keys[number].sign(&Claims { open, vantage, ..claims(name) }).unwrap();
        expectations.verify(&token).unwrap()
    });
    statements.collect()
}

/// The ports proven and not proven about the only address.
fn judged(said: &[Said], required: usize) -> (String, String) {
    let results = proven(&statements(said), NonZeroUsize::new(required).unwrap());
    let text =
        |ports: &Option<OpenPorts>| ports.as_ref().map_or(String::new(), ToString::to_string);
    match &results[..] {
        [] => (String::new(), String::new()),
        [result] => (text(&result.proven), text(&result.not_proven)),
        several => panic!("{several:?}"),
    }
}

/// The statements, how many issuers are required, the ports proven and not proven, and why.
const CASES: [(&[Said], usize, &str, &str, &str); 14] = [
    (&[], 1, "", "", "nobody"),
    (&[(0, "a", "1-9", "")], 1, "1-9", "", "one, who is enough"),
    (&[(0, "a", "1-9", "")], 2, "", "1-9", "one, who is not"),
    (&[(0, "a", "1-6", ""), (1, "b", "4-9", "")], 2, "4-6", "1-3,7-9", "two, who agree in part"),
    (&[(0, "a", "1-6", ""), (0, "a", "4-9", "")], 2, "", "1-9", "one, twice"),
    (&[(0, "a", "1-6", ""), (0, "a", "7-9", "")], 1, "1-9", "", "one, in two statements"),
    (&[(0, "a", "1", ""), (1, "a", "1", "")], 2, "", "1", "one, with two sets of keys"),
    (&[(0, "a", "1", ""), (0, "b", "1", "")], 2, "", "", "one, in two names"),
    (
        &[(0, "a", "1", ""), (0, "b", "1", ""), (1, "b", "1", ""), (2, "c", "1", "")],
        2,
        "1",
        "",
        "two, and one who takes the name of another",
    ),
    (&[(0, "a", "1", "x:RIPE"), (1, "b", "1", "y:RIPE")], 2, "1", "", "two of one registry"),
    (
        &[(0, "a", "1", "x:RIPE"), (1, "b", "1", "y:RIPE"), (2, "c", "1", "z:RIPE")],
        3,
        "",
        "1",
        "three of one registry",
    ),
    (
        &[(0, "a", "1", "x:RIPE"), (1, "b", "1", "y:RIPE"), (2, "c", "1", "z:ARIN")],
        3,
        "1",
        "",
        "three of two registries",
    ),
    (
        &[(0, "a", "1", "x:RIPE"), (1, "b", "1", ""), (2, "c", "1", "")],
        3,
        "",
        "1",
        "three, of whom one says where it stands",
    ),
    (
        &[
            (0, "a", "1", "x:RIPE"),
            (0, "a", "2", "x:ARIN"),
            (1, "b", "1", "x:RIPE"),
            (2, "c", "1", "x:RIPE"),
        ],
        3,
        "",
        "1-2",
        "three, of whom one stands in two places",
    ),
];

#[test]
fn enough_issuers_have_to_agree() {
    for (said, required, proven, not_proven, why) in CASES {
        let expected = (proven.to_owned(), not_proven.to_owned());
        assert_eq!(judged(said, required), expected, "{why}");
    }
    let three = [(0, "a", "1", ""), (1, "b", "1", ""), (2, "c", "1", "")];
    assert_eq!(judged(&three, 3), ("1".to_owned(), String::new()), "nobody says where it stands");
}

#[test]
fn addresses_and_transports_are_apart() {
    let keys = [key(), key()];
    let mut trusted = TrustStore::default();
    for (name, key) in ["a", "b"].into_iter().zip(&keys) {
        trusted.add(Some(issuer(name)), key_set(key)).unwrap();
    }
    let made = |number: usize, address: &str, transport| {
        let address = address.parse().unwrap();
        let name = ["a", "b"][number];
        let token = keys[number].sign(&Claims { address, transport, ..claims(name) }).unwrap();
        Expectations::new(&trusted, at(NOW)).verify(&token).unwrap()
    };
    let statements = [
        made(0, "192.0.2.7", Transport::Tcp),
        made(1, "192.0.2.7", Transport::Udp),
        made(1, "192.0.2.8", Transport::Tcp),
        made(0, "192.0.2.8", Transport::Tcp),
    ];
    let results = proven(&statements, NonZeroUsize::new(2).unwrap());
    let seen = results.iter().map(|result| {
        (
            result.address.to_string(),
            result.transport,
            result.issuers.len(),
            result.proven.is_some(),
        )
    });
    let expected = [
        ("192.0.2.7".to_owned(), Transport::Tcp, 1, false),
        ("192.0.2.7".to_owned(), Transport::Udp, 1, false),
        ("192.0.2.8".to_owned(), Transport::Tcp, 2, true),
    ];
    assert_eq!(seen.collect::<Vec<_>>(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn ports_that_enough_issuers_saw_are_proven(
        seen in prop::collection::vec(prop::collection::btree_set(1..20_u16, 1..9), 1..5),
        required in 1..4_usize,
    ) {
        let names = ["a", "b", "c", "d", "e"];
        let ports: Vec<String> = seen
            .iter()
            .map(|ports| OpenPorts::new(ports.iter().filter_map(|&port| Port::new(port))).unwrap().to_string())
            .collect();
        let said: Vec<Said> = ports.iter().enumerate().map(|(n, ports)| (n, names[n], &ports[..], "")).collect();
        let count = |port: &u16| seen.iter().filter(|ports| ports.contains(port)).count();
        let text = |wanted: &dyn Fn(usize) -> bool| {
            let ports = (1..20).filter(|port| wanted(count(port))).filter_map(Port::new);
            OpenPorts::new(ports).map_or(String::new(), |ports| ports.to_string())
        };
        let expected = (text(&|by| by >= required), text(&|by| (1..required).contains(&by)));
        prop_assert_eq!(judged(&said, required), expected);
    }
}
