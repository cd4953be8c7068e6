//! The service signs statements, and its keys change while it runs.

use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::SystemTime,
};

use port_checker_attestation::{Expectations, KeySet, TrustStore};
use port_checker_testbed::{
    certificates::{signing_key, write},
    http::{check_ports, get, metric},
    process::Service,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    attestation::library::{Library, Name},
    program::port_checker,
};

const ISSUER: &str = "https://checker.example.net";
const CHALLENGE: &str = "correct horse battery staple";
const AGAIN: &str = "the keys for statements were read again";

/// The files of two keys.
pub(crate) struct Keys {
    directory: TempDir,
    signing: PathBuf,
    next: PathBuf,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let [signing, next] =
            ["key.pem", "next.pem"].map(|name| write(directory.path(), name, &signing_key()));
        Self { directory, signing, next }
    }

    /// The settings of a service that signs, and further ones.
    pub(crate) fn settings<'a>(
        &'a self,
        further: &[(&'a str, &'a str)],
    ) -> Vec<(&'a str, &'a str)> {
        let signing = [
            ("PORT_CHECKER_ISSUER", ISSUER),
            ("PORT_CHECKER_SIGNING_KEY", self.signing.to_str().expect("a path in UTF-8")),
            ("PORT_CHECKER_NEXT_KEY", self.next.to_str().expect("a path in UTF-8")),
            // The machine of the test may have any clock.
            ("PORT_CHECKER_CLOCK_CHECK", "false"),
        ];
        [&signing, further].concat()
    }

    /// Lets the next key sign, and makes a new next one.
    fn rotate(&self) {
        std::fs::copy(&self.next, &self.signing).expect("a copy");
        write(self.directory.path(), "next.pem", &signing_key());
    }
}

/// A port whose listener sends the challenge.
fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("a bound socket").port();
    thread::spawn(move || {
        for mut peer in listener.incoming().flatten() {
            // The checker may be gone.
            let _ = peer.write_all(format!("{CHALLENGE}\n").as_bytes());
        }
    });
    port
}

fn start(keys: &Keys) -> Service {
    let further = [("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"), ("PORT_CHECKER_RATE_PER_MINUTE", "0")];
    Service::start(&mut port_checker(&["serve"], &keys.settings(&further)))
}

fn ask(service: SocketAddr, port: u16) -> String {
    let attest = json!({"audience": "market", "nonce": "n-1"});
    let body = json!({"ports": [port], "challenge": CHALLENGE, "attest": attest});
    let answer = check_ports(service, &body.to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["attestation"].as_str().expect("a statement").to_owned()
}

fn published(service: SocketAddr) -> String {
    let answer = get(service, "/.well-known/jwks.json");
    assert_eq!(answer.status, 200, "{answer:?}");
    String::from_utf8(answer.body).expect("text")
}

fn verify(token: &str, set: &str) {
    let mut trusted = TrustStore::default();
    let set = KeySet::from_json(set).expect("keys");
    trusted.add(Some(ISSUER.parse().expect("an issuer")), set).expect("one issuer");
    let expectations = Expectations {
        audience: "market".parse().ok(),
        nonce: "n-1".parse().ok(),
        ..Expectations::new(&trusted, SystemTime::now().try_into().expect("a time of today"))
    };
    expectations.verify(token).expect("a good statement");
}

#[test]
fn others_libraries_verify_what_the_service_signs() {
    let keys = Keys::new();
    let service = start(&keys);
    let (token, set) = (ask(service.address, port()), published(service.address));
    let set: Value = serde_json::from_str(&set).expect("JSON");
    for name in [Name::PyJwt, Name::PythonJose, Name::Jose] {
        let Some(mut library) = Library::start(name) else { continue };
        let request = json!({
            "do": "verify", "token": token, "keys": set["keys"], "issuer": ISSUER,
            "audience": "market", "nonce": "n-1",
        });
        let claims = library.ask(&request);
        assert_eq!(claims.map(|it| it["ip"].clone()), Ok(json!("127.0.0.1")), "{name:?}");
    }
}

/// Each statement can be verified with the keys as they were published before all changes, and after.
#[test]
fn a_rotation_under_load_signs_nothing_that_a_copy_cannot_verify() {
    const ROTATIONS: usize = 12;
    let keys = Keys::new();
    let mut service = start(&keys);
    let (address, port) = (service.address, port());
    let before = published(address);
    let done = AtomicBool::new(false);
    let load = || {
        let mut tokens = Vec::new();
        while !done.load(Ordering::Relaxed) {
            tokens.push(ask(address, port));
        }
        tokens
    };
    let tokens = thread::scope(|scope| {
        let load = [scope.spawn(load), scope.spawn(load)];
        for _ in 0..ROTATIONS {
            keys.rotate();
            service.signal("HUP");
            service.wait_for_line(AGAIN);
        }
        done.store(true, Ordering::Relaxed);
        load.map(|thread| thread.join().expect("answers")).concat()
    });
    assert!(tokens.len() >= ROTATIONS, "there was a load");
    let after = published(address);
    assert_ne!(before, after, "new keys are published");
    for token in &tokens {
        verify(token, &before);
        verify(token, &after);
    }
}

#[test]
fn a_broken_file_keeps_the_keys_and_is_reported() {
    let keys = Keys::new();
    let mut service = start(&keys);
    let before = published(service.address);
    write(keys.directory.path(), "next.pem", "no key");
    service.signal("HUP");
    let warning = service.wait_for_line("keeping the keys for statements there were");
    assert!(warning.contains("next.pem") && warning.contains("no section of PEM"), "{warning}");
    assert_eq!(published(service.address), before);
    verify(&ask(service.address, port()), &before);
    let failures = "port_checker_signing_key_reload_failures_total ";
    assert_eq!(metric(service.address, failures), 1.0);
    write(keys.directory.path(), "next.pem", &signing_key());
    service.signal("HUP");
    service.wait_for_line(AGAIN);
    assert_ne!(published(service.address), before, "a good file is taken again");
}

/// Variables and their values.
type Settings<'a> = &'a [(&'a str, &'a str)];

#[test]
fn settings_that_need_each_other_stop_the_start() {
    let keys = Keys::new();
    let signing = ("PORT_CHECKER_SIGNING_KEY", keys.signing.to_str().expect("a path"));
    let next = ("PORT_CHECKER_NEXT_KEY", keys.next.to_str().expect("a path"));
    let issuer = ("PORT_CHECKER_ISSUER", ISSUER);
    let cases: [(Settings, Option<(&str, &str)>); 5] = [
        (&[issuer], Some(("PORT_CHECKER_ISSUER: ", "PORT_CHECKER_SIGNING_KEY to be set too"))),
        (&[signing], Some(("PORT_CHECKER_SIGNING_KEY: ", "PORT_CHECKER_ISSUER to be set too"))),
        (
            &[issuer, next],
            Some(("PORT_CHECKER_NEXT_KEY: ", "PORT_CHECKER_SIGNING_KEY to be set too")),
        ),
        (&[issuer, signing], None),
        (&[issuer, signing, next], None),
    ];
    for (settings, refusal) in cases {
        let output =
            port_checker(&["serve", "--check-config"], settings).output().expect("it runs");
        let [said, shown] =
            [output.stderr, output.stdout].map(|text| String::from_utf8(text).expect("text"));
        match refusal {
            Some((variable, expected)) => {
                assert_eq!(output.status.code(), Some(2), "{settings:?}");
                assert!(said.contains(variable) && said.contains(expected), "{said}");
            }
            None => {
                assert!(output.status.success(), "{said}");
                for line in [
                    "PORT_CHECKER_ISSUER=https://checker.example.net\n",
                    "PORT_CHECKER_ATTESTATION_LIFETIME=7200\n",
                    "PORT_CHECKER_CLOCK_CHECK=true\n",
                    "PORT_CHECKER_PERSPECTIVE=\n",
                ] {
                    assert!(shown.contains(line), "{shown}");
                }
                assert!(!shown.contains("PRIVATE KEY"), "only the name of the file: {shown}");
            }
        }
    }
}
