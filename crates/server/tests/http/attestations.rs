//! Signed statements about ports that are open and whose challenge matched, and about nothing else.

use std::{
    collections::BTreeSet,
    io::Write,
    net::{IpAddr, TcpListener},
    num::NonZeroU32,
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use port_checker_attestation::{Claims, Expectations, KeySet, TrustStore};
use port_checker_server::{Config, KeyFiles, SigningKeys};
use port_checker_testbed::{
    certificates::signing_key,
    datagrams::{Answering, Mute},
    http::{Answer, JSON, check_ports, get, metric, post},
    ports::{Held, Listening, Refusing, Silent},
};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::server::Server;

const CHALLENGE: &str = "correct horse battery staple";
const ISSUER: &str = "https://checker.example.net";
const NOT_SIGNED: &str = "port_checker_attestations_refused_total{kind=\"";

fn keys() -> Arc<SigningKeys> {
    let directory = tempfile::tempdir().expect("a directory");
    let [signing, next] = ["key.pem", "next.pem"].map(|name| directory.path().join(name));
    for file in [&signing, &next] {
        std::fs::write(file, signing_key()).expect("a file");
    }
    let files = KeyFiles { signing, next: Some(next) };
    SigningKeys::load(files, Duration::from_secs(7200)).expect("keys")
}

/// Signs by whatever clock the machine of the test has, and has no limits.
fn signs(config: &mut Config) {
    config.attestation.issuer = Some(ISSUER.parse().expect("an issuer"));
    config.attestation.vantage = Some("fra1:RIPE".parse().expect("a place"));
    config.attestation.clock_check = false;
    config.signing_keys = Some(keys());
    config.probe.attempts = NonZeroU32::MIN;
    config.limits.caller.per_minute = 0;
    config.limits.target.per_minute = 0;
}

fn published(server: &Server) -> KeySet {
    let answer = get(server.address, "/.well-known/jwks.json");
    assert_eq!(answer.status, 200, "{answer:?}");
    KeySet::from_json(&String::from_utf8(answer.body).expect("text")).expect("keys")
}

/// The claims of a token by a key that the server publishes, for an audience and with a nonce.
fn verified(server: &Server, token: &str, attest: &Value) -> Claims {
    let mut trusted = TrustStore::default();
    trusted.add(Some(ISSUER.parse().expect("an issuer")), published(server)).expect("one issuer");
    let now = SystemTime::now().try_into().expect("a time of today");
    let text = |name: &str| attest[name].as_str();
    let expectations = Expectations {
        audience: text("audience").map(|it| it.parse().expect("an audience")),
        nonce: text("nonce").map(|it| it.parse().expect("a nonce")),
        ..Expectations::new(&trusted, now)
    };
    expectations.verify(token).expect("a good statement").claims().clone()
}

/// A port whose listener sends a line to every client.
fn sends(ip: IpAddr, line: &'static str) -> u16 {
    let listener = TcpListener::bind((ip, 0)).expect("a free port");
    let port = listener.local_addr().expect("a bound socket").port();
    thread::spawn(move || {
        for mut peer in listener.incoming().flatten() {
            // The checker may be gone.
            let _ = peer.write_all(format!("{line}\n").as_bytes());
        }
    });
    port
}

/// The attestation of an answer in whichever form.
fn ask(server: &Server, request: &Value, lines: bool) -> Value {
    let accept = if lines { "Accept: application/x-ndjson\r\n" } else { "" };
    let headers = format!("{JSON}{accept}");
    let answer = post(server.address, "/check-ports", &headers, request.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = String::from_utf8(answer.body).expect("text");
    // Between the lines are the sizes of chunks.
    let last = text.lines().rfind(|line| line.starts_with('{')).expect("a line");
    let last: Value = serde_json::from_str(last).expect("JSON");
    last.get("attestation").unwrap_or_else(|| panic!("it was asked for: {text}")).clone()
}

/// An address with ports of each kind, of which the first two send the challenge.
struct Host {
    ip: IpAddr,
    ports: [u16; 5],
    _held: (Listening, Refusing),
}

impl Host {
    fn new(ip: &str) -> Self {
        let ip = ip.parse().expect("an address");
        let held = (Listening::on(ip), Refusing::on(ip));
        let (mute, closed) = (held.0.port().get(), held.1.port().get());
        let proven = [sends(ip, CHALLENGE), sends(ip, CHALLENGE)];
        let other = sends(ip, "the line of somebody else");
        Self { ip, ports: [proven[0], proven[1], other, mute, closed], _held: held }
    }
}

/// Which host, which of its ports, whether `verbose`, and whether line by line.
type Form = (usize, Vec<usize>, bool, bool);

/// A challenge, an audience and a nonce.
type Texts = (&'static str, Option<String>, Option<String>);

/// Whatever is asked, a statement is about all ports that were asked about, are open and sent the challenge, and about
/// no other.
#[test]
fn nothing_closed_or_unproven_is_ever_signed() {
    let server = Server::start(signs);
    // The second is a stranger's address for whom asks.
    let hosts = ["127.0.0.1", "127.0.0.2"].map(Host::new);
    let text = proptest::option::of("[ -~]{1,128}");
    let request = (
        (0..2_usize, prop::collection::vec(0..5_usize, 0..8), any::<bool>(), any::<bool>()),
        (prop_oneof![4 => Just(CHALLENGE), 1 => Just("a challenge of nobody")], text.clone(), text),
    );
    let config =
        ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() };
    let property =
        |((host, indices, verbose, lines), (challenge, audience, nonce)): (Form, Texts)| {
            let host = &hosts[host];
            let ports: Vec<u16> = indices.iter().map(|&index| host.ports[index]).collect();
            let attest = json!({"audience": audience, "nonce": nonce});
            let request = json!({
                "provider_ip": host.ip, "ports": ports, "verbose": verbose, "challenge": challenge,
                "attest": attest,
            });
            let proven: BTreeSet<u16> = ports
                .iter()
                .copied()
                .filter(|port| challenge == CHALLENGE && host.ports[..2].contains(port))
                .collect();
            match ask(&server, &request, lines) {
                Value::Null => prop_assert!(proven.is_empty(), "{request}"),
                token => {
                    let claims = verified(&server, token.as_str().expect("a text"), &attest);
                    let open: BTreeSet<u16> = claims.open.iter().map(|port| port.get()).collect();
                    prop_assert_eq!((claims.address.ip(), open), (host.ip, proven));
                    prop_assert_eq!(claims.challenge.as_str(), challenge);
                }
            }
            Ok(())
        };
    TestRunner::new(config).run(&request, property).expect("the property holds");
}

#[test]
fn a_statement_has_the_claims_of_the_contract() {
    let server = Server::start(signs);
    let host = Host::new("127.0.0.1");
    let attest = json!({"audience": "requestor.example.org", "nonce": "5f0c1d"});
    let request = json!({"ports": host.ports, "challenge": CHALLENGE, "attest": attest});
    let token = ask(&server, &request, false);
    let claims = verified(&server, token.as_str().expect("a text"), &attest);
    assert_eq!(claims.vantage.map(|it| it.to_string()).as_deref(), Some("fra1:RIPE"));
    let validity = claims.validity;
    assert_eq!(validity.expires_at().seconds() - validity.issued_at().seconds(), 7200);
    let again = ask(&server, &request, true);
    let again = verified(&server, again.as_str().expect("a text"), &attest);
    assert_ne!(claims.id, again.id, "each has its name");
    assert_eq!(metric(server.address, "port_checker_attestations_signed_total "), 2.0);
    let without = json!({"ports": host.ports, "challenge": CHALLENGE});
    let plain = check_ports(server.address, &without.to_string()).json();
    assert!(plain.get("attestation").is_none(), "none was asked for: {plain}");
}

#[test]
fn datagrams_prove_ports_too() {
    let server = Server::start(signs);
    let ip: IpAddr = "127.0.0.1".parse().expect("an address");
    let (open, other) = (Answering::with(ip, CHALLENGE), Answering::with(ip, "another challenge"));
    let silent = Mute::on(ip);
    let ports = [open.port(), other.port(), silent.port()].map(|port| port.get());
    let request = json!({"ports": ports, "transport": "udp", "challenge": CHALLENGE, "attest": {}});
    for lines in [false, true] {
        let token = ask(&server, &request, lines);
        let claims = verified(&server, token.as_str().expect("a text"), &json!({}));
        assert_eq!(claims.transport, port_checker_api::Transport::Udp);
        assert_eq!(claims.open.to_string(), open.port().to_string());
    }
}

/// A checker that could not judge every port has nothing to sign.
#[test]
fn a_check_that_failed_has_no_statement() {
    let server = Server::start(|config| {
        signs(config);
        config.probe.attempts = NonZeroU32::new(3).expect("three");
        config.probe.delay = Duration::from_millis(400);
        config.probe.timeout = Duration::from_millis(400);
        // Enough for an attempt, and not for all that a silent port gets.
        config.deadline = Duration::from_millis(700);
    });
    let ip: IpAddr = "127.0.0.1".parse().expect("an address");
    let (proven, silent) = (sends(ip, CHALLENGE), Silent::on(ip));
    let ports = [proven, silent.port().get()];
    let request = json!({"ports": ports, "challenge": CHALLENGE, "attest": {}}).to_string();
    let whole = check_ports(server.address, &request);
    assert_eq!((whole.status, whole.code().as_str()), (503, "CHECK_FAILED"), "{whole:?}");
    let headers = format!("{JSON}Accept: application/x-ndjson\r\n");
    let lines = post(server.address, "/check-ports", &headers, request.as_bytes());
    for text in [whole.body, lines.body].map(|body| String::from_utf8(body).expect("text")) {
        assert!(text.contains("CHECK_FAILED") && !text.contains("attestation"), "{text}");
    }
    assert_eq!(metric(server.address, "port_checker_attestations_signed_total "), 0.0);
}

#[test]
fn requests_that_ask_in_a_wrong_way() {
    let server = Server::start(signs);
    let with = |attest: Value| json!({"attest": attest, "challenge": CHALLENGE});
    let (short, long) = (with(json!({"nonce": ""})), with(json!({"nonce": "x".repeat(129)})));
    let (challenge, request) = ("INVALID_CHALLENGE", "INVALID_REQUEST");
    let cases = [
        (json!({"attest": {}}), challenge, "with attest expected one", "no challenge"),
        (json!({"attest": {}, "transport": "udp"}), challenge, "attest", "none over UDP"),
        (short, request, "attest.nonce is \"\"; expected 1 to 128 printable", "nothing"),
        (long, request, "attest.nonce", "too long"),
        (with(json!({"audience": "é"})), request, "attest.audience is \"é\"", "beyond ASCII"),
        (with(json!([])), request, "attest is []; expected an object or null", "an array"),
        (with(json!(["a", "b"])), request, "expected an object or null", "the fields in order"),
    ];
    for (body, code, words, why) in cases {
        refused(&server, body, (code, words, why));
    }
}

#[test]
fn a_checker_without_a_key_refuses_before_anything_is_probed() {
    let server = Server::start(|_| {});
    let body = json!({"attest": {}, "challenge": CHALLENGE});
    refused(&server, body, ("ATTESTATION_UNAVAILABLE", "has no key", "no key"));
    assert_eq!(metric(server.address, &format!("{NOT_SIGNED}no_key\"}} ")), 1.0);
    assert_eq!(get(server.address, "/.well-known/jwks.json").status, 404);
}

/// Asks about a port, and expects a refusal without any probe.
fn refused(server: &Server, mut body: Value, (code, words, why): (&str, &str, &str)) {
    let listener = Listening::on("127.0.0.1".parse().expect("an address"));
    body["ports"] = json!([listener.port().get()]);
    let answer: Answer = check_ports(server.address, &body.to_string());
    assert_eq!((answer.status, answer.code().as_str()), (422, code), "{why}: {answer:?}");
    assert!(answer.message().contains(words), "{why}: {}", answer.message());
    for verdict in ["open", "challenge_failed"] {
        let judged =
            format!("port_checker_verdicts_total{{family=\"ipv4\",verdict=\"{verdict}\"}} ");
        assert_eq!(metric(server.address, &judged), 0.0, "{why}: nothing was probed");
    }
}

#[test]
fn the_next_key_is_published_and_a_copy_may_be_kept_for_five_minutes() {
    let server = Server::start(signs);
    let answer = get(server.address, "/.well-known/jwks.json");
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(answer.header("content-type"), Some("application/jwk-set+json"));
    let text = String::from_utf8(answer.body).expect("text");
    assert!(!text.contains("\"d\""), "no private part: {text}");
    assert_eq!(published(&server).iter().count(), 2);
    assert!(metric(server.address, "port_checker_signing_key_age_seconds ") < 60.0);
}
