//! Which crate of the workspace may depend on which.

use std::{collections::BTreeMap, fs, path::Path};

/// Each crate's directory and the crates of this workspace that its program code uses. A crate that is not
/// here yet has to find its place first.
const ALLOWED: [(&str, &[&str]); 9] = [
    ("api", &[]),
    ("attestation", &["api"]),
    ("bench", &["api", "probe", "server", "testbed"]),
    ("client", &["api", "attestation"]),
    ("limits", &["api"]),
    ("port-checker", &["attestation", "client", "server"]),
    ("probe", &["api"]),
    ("server", &["api", "attestation", "limits", "probe"]),
    ("testbed", &["api"]),
];

#[test]
fn crates_depend_only_on_those_below_them() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the directory of crates");
    let directories = fs::read_dir(crates).expect("the crates").flatten();
    let found: BTreeMap<String, Vec<String>> = directories
        .map(|directory| {
            let manifest = fs::read_to_string(directory.path().join("Cargo.toml"));
            let name = directory.file_name().to_string_lossy().into_owned();
            (name, dependencies(&manifest.expect("a manifest")))
        })
        .collect();
    let allowed = ALLOWED.map(|(name, below)| {
        (name.to_owned(), below.iter().map(|&name| name.to_owned()).collect())
    });
    assert_eq!(found, BTreeMap::from(allowed));
}

/// The crates of this workspace among the dependencies in a manifest, without those of tests.
fn dependencies(manifest: &str) -> Vec<String> {
    let (_, section) = manifest.split_once("\n[dependencies]\n").unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let names = section.lines().filter_map(|line| line.split(['.', ' ']).next());
    names.filter_map(|name| name.strip_prefix("port-checker-")).map(str::to_owned).collect()
}
