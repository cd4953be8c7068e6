//! `POST /check-tls` against real servers, good and bad, on a machine with public addresses.

use std::{
    io::Read,
    net::{SocketAddr, TcpListener},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use port_checker_testbed::{
    certificates::{Authority, Identity, Validity, write},
    http::{Answer as HttpAnswer, JSON, metric, post},
    namespace::Namespace,
    process::{Running, Service},
    skip,
};
use serde_json::{Value, json};

use super::internet::greet;
use crate::{
    dns::{self, Answer},
    program::{PORT_CHECKER, configure},
};

const V4: &str = "203.0.113.20";
const V6: &str = "2001:db8:20::20";

/// Where the servers listen, on every address of the machine.
const GOOD: u16 = 4430;
const EXPIRED: u16 = 4431;
const FUTURE: u16 = 4432;
const OTHER_NAME: u16 = 4433;
const STRANGER: u16 = 4434;
const SELF_SIGNED: u16 = 4435;
const SSH: u16 = 4436;
const MUTE: u16 = 4437;
const RESETS: u16 = 4438;
const CLOSED: u16 = 4439;

/// What is asked of which port by which name, and what should be wrong.
const CASES: [(&str, u16, Option<&str>); 17] = [
    ("good.example", GOOD, None),
    ("GOOD.example", GOOD, None),
    (V4, GOOD, None),
    (V6, GOOD, None),
    ("::ffff:203.0.113.20", GOOD, None),
    ("good.example", EXPIRED, Some("The certificate has expired")),
    ("good.example", FUTURE, Some("The certificate is not yet valid")),
    ("good.example", OTHER_NAME, Some("The certificate is not for that name")),
    (V4, OTHER_NAME, Some("The certificate does not contain that IP address")),
    (V6, OTHER_NAME, Some("The certificate does not contain that IP address")),
    (
        "good.example",
        STRANGER,
        Some(
            "The certificate's issuer is unknown, or the server does not send the chain to it (unable \
             to get local issuer certificate)",
        ),
    ),
    ("good.example", SELF_SIGNED, Some("The certificate is self-signed")),
    (V6, SELF_SIGNED, Some("The certificate is self-signed")),
    ("good.example", SSH, Some("The server does not speak TLS")),
    ("good.example", MUTE, Some("The handshake timed out")),
    ("good.example", RESETS, Some("The connection was reset during the handshake")),
    ("good.example", CLOSED, Some("Connection refused")),
];

/// A checker and the servers it is asked about, on one machine.
struct Lab {
    machine: Namespace,
    checker: Service,
    _servers: Vec<Running>,
    _directory: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(further: &[(&str, &str)]) -> Self {
        let machine = Namespace::new();
        machine.ip(&["address", "add", "203.0.113.20/32", "dev", "lo"]);
        machine.ip(&["address", "add", "2001:db8:20::20/128", "dev", "lo"]);
        let directory = tempfile::tempdir().expect("a directory");
        let authority = Authority::new();
        let (names, stranger) = (["good.example", V4, V6], Authority::new());
        let servers = [
            (GOOD, authority.issue(&names, Validity::Now)),
            (EXPIRED, authority.issue(&names, Validity::Past)),
            (FUTURE, authority.issue(&names, Validity::Future)),
            (OTHER_NAME, authority.issue(&["other.example", "192.0.2.1"], Validity::Now)),
            (STRANGER, stranger.issue(&names, Validity::Now)),
            (SELF_SIGNED, Identity::self_signed(&names)),
        ];
        let servers = servers.map(|(port, identity)| {
            let (certificate, key) = identity.write(directory.path(), &port.to_string());
            let mut server = machine.command("openssl", &["s_server", "-www", "-cert"]);
            server.arg(certificate).arg("-key").arg(key);
            server.args(["-accept", &port.to_string()]);
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            machine.within(|| Running::start(&mut server, address))
        });
        greet(&machine, &format!("[::]:{SSH}"));
        refuse_to_speak(&machine);
        let roots = write(directory.path(), "roots.pem", &authority.pem);
        let mut command = machine.command(PORT_CHECKER, &["serve"]);
        let settings = [
            ("PORT_CHECKER_ALLOWED_TARGETS", "203.0.113.0/24,2001:db8::/32"),
            ("PORT_CHECK_TIMEOUT", "1"),
            ("SSL_CERT_FILE", roots.to_str().expect("a path in UTF-8")),
        ];
        configure(&mut command, &[&settings[..], further].concat());
        Self::name_server(&machine);
        let checker = Service::start(&mut command);
        Self { machine, checker, _servers: servers.into(), _directory: directory }
    }

    fn name_server(machine: &Namespace) {
        dns::serve(machine, |name, before| match (name, before) {
            ("good.example", _) => Answer::Addresses(&[V4, V6]),
            ("private.example", _) => Answer::Addresses(&[V4, "192.168.7.7"]),
            ("changing.example", 0) => Answer::Addresses(&[V4]),
            ("changing.example", _) => Answer::Addresses(&["127.0.0.1"]),
            ("broken.example", _) => Answer::Failure,
            ("half.example", _) => Answer::OnlyIpv4(V4),
            _ => Answer::NoSuchName,
        });
    }

    fn ask(&self, body: &Value) -> HttpAnswer {
        let (checker, body) = (self.checker.address, body.to_string());
        self.machine.within(|| post(checker, "/check-tls", JSON, body.as_bytes()))
    }

    fn metric(&self, series: &str) -> f64 {
        let checker = self.checker.address;
        self.machine.within(|| metric(checker, series))
    }
}

/// One port takes connections and says nothing, another resets connections on which something is said.
fn refuse_to_speak(machine: &Namespace) {
    let mute = machine.within(|| TcpListener::bind(("::", MUTE)).expect("a free port"));
    let resets = machine.within(|| TcpListener::bind(("::", RESETS)).expect("a free port"));
    thread::spawn(move || mute.incoming().take(100).collect::<Vec<_>>());
    thread::spawn(move || {
        for peer in resets.incoming().take(100) {
            let Ok(mut peer) = peer else { return };
            let _ = peer.read(&mut [0]);
            let lingers = socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO));
            lingers.expect("a socket");
        }
    });
}

#[test]
fn every_error_and_the_good_case_by_name_and_by_address() {
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new();
    for (host, port, error) in CASES {
        let answer = lab.ask(&json!({"host": host, "port": port}));
        assert_eq!(answer.status, 200, "{host} {port}: {answer:?}");
        let json = answer.json();
        assert_eq!(json["error"].as_str(), error, "{host} {port}: {json}");
        assert_eq!(json["valid"], error.is_none(), "{host} {port}: {json}");
        let shows_one = (GOOD..=SELF_SIGNED).contains(&port);
        assert_eq!(json["not_after"].is_string(), shows_one, "{host} {port}: {json}");
        let peer = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        assert_eq!(json["peer"], format!("{peer}:{port}"));
    }
    assert_eq!(lab.metric(r#"port_checker_tls_verdicts_total{verdict="valid"}"#), 5.0);
    assert_eq!(lab.metric(r#"port_checker_tls_verdicts_total{verdict="not_connected"}"#), 1.0);
    let shown = CASES.iter().filter(|(_, port, _)| (GOOD..=SELF_SIGNED).contains(port)).count();
    let verified = lab.metric("port_checker_tls_verification_duration_seconds_count ");
    assert_eq!(verified, shown as f64, "each certificate is verified once");
    assert_eq!(lab.metric("port_checker_tls_verifications_waiting "), 0.0);
}

#[test]
fn an_address_that_should_be_in_the_certificate() {
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new();
    let mapped = "::ffff:203.0.113.20";
    let cases = [(V4, true), (V6, true), (mapped, true), ("", true), ("192.0.2.1", false)];
    for (expected, valid) in cases {
        let body = json!({"host": "good.example", "port": GOOD, "expected_ip": expected});
        let json = lab.ask(&body).json();
        assert_eq!(json["valid"], valid, "{expected}: {json}");
        assert!(json["not_after"].is_string(), "{expected}: {json}");
    }
}

#[test]
fn names_that_lead_where_the_checker_does_not_dial() {
    if !skip::is_root() {
        return;
    }
    let lab = Lab::new();
    let dialled = count_connections(&lab.machine);
    let ask = |host: &str| lab.ask(&json!({"host": host, "port": 4440}));
    let private = ask("private.example");
    assert_eq!((private.status, private.code().as_str()), (403, "TARGET_NOT_ALLOWED"));
    assert!(private.message().contains("'private.example'"), "{}", private.message());
    let nothing = ask("nothing.example");
    let of_private = String::from_utf8_lossy(&private.body).replace("private", "nothing");
    assert_eq!(String::from_utf8_lossy(&nothing.body), of_private, "what is inside is not told");
    assert_eq!(names_of(&nothing), names_of(&private), "nor by a header");
    for host in ["127.0.0.1", "::1", "localhost"] {
        assert_eq!(ask(host).status, 403, "{host}");
    }
    assert_eq!(dialled.load(Ordering::Relaxed), 0, "nothing was dialled");
    let changing = ask("changing.example");
    assert_eq!(changing.json()["error"], "The handshake timed out", "dialled where it was judged");
    assert_eq!(dialled.load(Ordering::Relaxed), 1);
    assert_eq!(ask("changing.example").status, 403, "judged anew");
    assert_eq!(dialled.load(Ordering::Relaxed), 1);
    let broken = ask("broken.example");
    assert_eq!((broken.status, broken.code().as_str()), (503, "CHECK_FAILED"), "not its fault");
    let half = ask("half.example");
    assert_eq!((half.status, half.code().as_str()), (503, "CHECK_FAILED"), "who knows the rest");
}

fn names_of(answer: &HttpAnswer) -> Vec<&str> {
    answer.headers.iter().map(|(name, _)| name.as_str()).collect()
}

/// Counts connections to port 4440 of any address.
fn count_connections(machine: &Namespace) -> &'static AtomicUsize {
    let count: &'static AtomicUsize = Box::leak(Box::default());
    let listener = machine.within(|| TcpListener::bind("[::]:4440").expect("a free port"));
    thread::spawn(move || {
        let mut kept = Vec::new();
        for peer in listener.incoming().take(10) {
            count.fetch_add(1, Ordering::Relaxed);
            kept.push(peer);
        }
    });
    count
}

#[test]
fn bad_requests_and_limits() {
    if !skip::is_root() {
        return;
    }
    let lab =
        Lab::with(&[("PORT_CHECKER_RATE_BURST", "20"), ("PORT_CHECKER_RATE_PER_MINUTE", "1")]);
    let cases = [
        (json!({"port": 443}), "INVALID_REQUEST", "missing", "no host"),
        (json!({"host": 7, "port": 443}), "INVALID_REQUEST", "host is 7;", "a number for a host"),
        (json!({"host": "a b", "port": 443}), "INVALID_REQUEST", "'a b'", "a blank"),
        (json!({"host": "[::1]", "port": 443}), "INVALID_REQUEST", "'[::1]'", "brackets"),
        (json!({"host": "", "port": 443}), "INVALID_REQUEST", "''", "nothing"),
        (json!({"host": "a.example"}), "INVALID_REQUEST", "missing", "no port"),
        (json!({"host": "a.example", "port": 0}), "INVALID_PORT", "port is 0;", "no such port"),
        (
            json!({"host": "a.example", "port": 1, "expected_ip": "a"}),
            "INVALID_IP",
            "is \"a\";",
            "no address",
        ),
        (json!([1]), "INVALID_REQUEST", "object", "no object"),
    ];
    for (body, code, said, why) in cases {
        let answer = lab.ask(&body);
        assert_eq!((answer.status, answer.code().as_str()), (422, code), "{why}: {answer:?}");
        assert!(answer.message().contains(said), "{why}: {}", answer.message());
    }
    let answer = lab.ask(&json!({"host": V4, "port": GOOD}));
    assert!(answer.header("ratelimit").is_some(), "{answer:?}");
    let private = json!({"host": "private.example", "port": 443});
    let mut answers = (0..40).map(|_| lab.ask(&private));
    let limited = answers.find(|answer| answer.status == 429);
    assert!(limited.is_some(), "look-ups are charged, whatever becomes of them");
}
