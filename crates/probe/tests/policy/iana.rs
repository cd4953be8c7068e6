//! The table in the code against copies of the two IANA registries, where there are any:
//! `IANA_REGISTRIES` names the directory with `iana-ipv4-special-registry-1.csv` and its sibling.

use std::{collections::BTreeSet, fs, path::Path};

use ipnet::IpNet;
use port_checker_probe::SPECIAL_PURPOSE;
use port_checker_testbed::skip;

/// Refused, but in no special-purpose registry.
const BEYOND_THE_REGISTRIES: [&str; 7] = [
    "224.0.0.0/4",
    "168.63.129.16/32",
    "::/96",
    "fec0::/10",
    "ff00::/8",
    "fd00:ec2::254/128",
    "fd20:ce::254/128",
];

#[test]
fn the_table_holds_the_registries_and_nothing_else() {
    let Some(directory) = std::env::var_os("IANA_REGISTRIES") else {
        return skip::missing("IANA_REGISTRIES, a directory with copies of the registries");
    };
    let mut expected: BTreeSet<IpNet> =
        BEYOND_THE_REGISTRIES.map(|prefix| prefix.parse().unwrap()).into();
    for file in ["iana-ipv4-special-registry-1.csv", "iana-ipv6-special-registry-1.csv"] {
        expected.extend(prefixes(&Path::new(&directory).join(file)));
    }
    let table: BTreeSet<IpNet> = SPECIAL_PURPOSE.iter().map(|row| row.prefix).collect();
    assert_eq!(table, expected);
    assert_eq!(table.len(), SPECIAL_PURPOSE.len(), "no row stands twice");
}

/// The first column of a registry: prefixes with footnote marks, sometimes two in quotes. Records
/// run over several lines; only a record's first line begins with a prefix.
fn prefixes(file: &Path) -> Vec<IpNet> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    let found: Vec<IpNet> = text
        .lines()
        .skip(1)
        .flat_map(|line| match line.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next().unwrap_or_default().split(',').collect(),
            None => vec![line.split(',').next().unwrap_or_default()],
        })
        .filter_map(|cell| cell.split_whitespace().next()?.parse().ok())
        .collect();
    assert!(found.len() > 20, "{file:?} reads as a registry");
    found
}
