//! What the packages say about what is in them.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

use super::{debian_packages, done, package, unpack};

/// The output of a shell script, which is given a file as `$1`.
fn of(file: &Path, script: &str) -> String {
    done(Command::new("sh").args(["-ec", script, "of"]).arg(file))
}

/// The notices about the licences of others, by the package that has them.
fn notices() -> Option<[(&'static str, String); 4]> {
    let [debian, _] = debian_packages()?;
    let (tarball, wheel) =
        (package("port-checker-", ".tar.gz")?, package("golem_port_checker-", ".whl")?);
    let image = package("golem-port-checker-", ".tar")?;
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().join("root");
    unpack(&image, &directory.path().join("image"), &root);
    let in_image = fs::read_to_string(root.join("usr/share/doc/port-checker/third-party.txt"));
    let from_debian = "dpkg-deb --fsys-tarfile \"$1\" |
        tar -xO ./usr/share/doc/port-checker/third-party.txt.gz | gzip -d";
    let from_wheel = "python3 -c 'import sys, zipfile
files = zipfile.ZipFile(sys.argv[1])
name = next(name for name in files.namelist() if name.endswith(\"/licenses/LICENSE-THIRD-PARTY\"))
print(files.read(name).decode())' \"$1\"";
    Some([
        ("the Debian package", of(&debian, from_debian)),
        ("the tarball", of(&tarball, "tar -xzO --wildcards '*/third-party.txt' -f \"$1\"")),
        ("the wheel", of(&wheel, from_wheel)),
        ("the image", in_image.expect("the file")),
    ])
}

/// Name and version of each crate in the list at the beginning of a notice.
fn listed(notice: &str) -> BTreeSet<(String, String)> {
    let (list, _) = notice.split_once("\n====").expect("licences after the list");
    let crates = list.lines().skip(2).filter_map(|line| line.split_once(": ")?.0.split_once(' '));
    let crates =
        crates.filter(|(_, version)| version.starts_with(|first: char| first.is_ascii_digit()));
    crates.map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
}

#[test]
fn every_package_has_the_licences_of_what_it_contains() {
    let Some(notices) = notices() else { return };
    for (package, notice) in &notices {
        let crates = listed(notice);
        assert!(crates.len() > 150, "{package}: {crates:?}");
        let has = |name: &str| crates.iter().any(|(known, _)| known == name);
        for name in ["ring", "tokio", "utoipa-swagger-ui-vendored", "crab_nat"] {
            assert!(has(name), "{package}: no {name}");
        }
        for name in ["winapi", "windows-sys", "serde_derive", "insta", "port-checker-server"] {
            assert!(!has(name), "{package}: {name} is not linked, or not of others");
        }
        let texts = [
            "Permission is hereby granted",
            "2015-2025 Brian Smith",
            "Apache License",
            "UNICODE LICENSE V3",
        ];
        for text in texts.into_iter().chain(["Copyright notices for The Rust Standard Library"]) {
            assert!(notice.contains(text), "{package}: no {text:?}");
        }
    }
    for (package, notice) in &notices {
        // Only the static program contains a C library.
        let is_static = ["the tarball", "the image"].contains(package);
        assert_eq!(
            notice.contains(" libc: see below") || notice.contains("GNU C library: "),
            is_static,
            "{package}"
        );
    }
}

#[test]
fn the_list_of_contents_names_every_library_that_the_licences_are_for() {
    let Some(list) = package("port-checker-", ".cdx.json") else { return };
    let Some(notices) = notices() else { return };
    let list: Value = serde_json::from_slice(&fs::read(list).unwrap()).unwrap();
    assert_eq!(list["bomFormat"], "CycloneDX");
    let program = &list["metadata"]["component"];
    assert_eq!(
        (&program["name"], &program["version"]),
        (&"port-checker".into(), &env!("CARGO_PKG_VERSION").into())
    );
    let components = list["components"].as_array().unwrap();
    let text = |component: &Value, field: &str| component[field].as_str().unwrap().to_owned();
    let named: BTreeSet<_> = components
        .iter()
        .map(|component| (text(component, "name"), text(component, "version")))
        .collect();
    let missing: Vec<_> = listed(&notices[0].1).difference(&named).cloned().collect();
    assert!(missing.is_empty(), "{missing:?}");
}
