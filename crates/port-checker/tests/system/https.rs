//! The service over HTTPS.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use port_checker_testbed::{
    certificates::{Authority, Identity, Validity, write},
    http::connect,
    ports::{Held, LOOPBACK, Listening},
    process::{Running, Service, wait_until},
    tls,
};
use tempfile::TempDir;

use crate::program::port_checker;

/// A service whose certificate comes from an authority of the test's own.
pub(crate) struct Https {
    pub(crate) service: Service,
    pub(crate) authority: Authority,
    directory: TempDir,
    files: (PathBuf, PathBuf),
}

impl Https {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with further settings.
    pub(crate) fn start_with(further: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let authority = Authority::new();
        let files = identity(&authority).write(directory.path(), "server");
        let settings = [
            ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
            ("PORT_CHECKER_TLS_CERT", files.0.to_str().expect("a path in UTF-8")),
            ("PORT_CHECKER_TLS_KEY", files.1.to_str().expect("a path in UTF-8")),
        ];
        let settings = [&settings[..], further].concat();
        let service = Service::start(&mut port_checker(&["serve"], &settings));
        Self { service, authority, directory, files }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.service.address
    }

    fn renew(&self) {
        identity(&self.authority).write(self.directory.path(), "server");
    }
}

fn identity(authority: &Authority) -> Identity {
    authority.issue(&["localhost", "127.0.0.1"], Validity::Now)
}

fn run(command: &mut Command) -> String {
    let Output { stdout, stderr, .. } =
        command.stdin(Stdio::null()).output().expect("the program starts");
    String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned()
}

#[test]
fn a_reload_under_load_loses_no_request() {
    const RELOADS: usize = 20;
    let mut https = Https::start();
    let (address, pem) = (https.address(), https.authority.pem.clone());
    let (done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let ask = || {
        while !done.load(Ordering::Relaxed) {
            let (answer, _) = tls::get(address, &pem, "/health").expect("an answer");
            assert_eq!(answer.status, 200);
            answered.fetch_add(1, Ordering::Relaxed);
        }
    };
    let shown = || tls::get(address, &pem, "/health").expect("an answer").1;
    let before = shown();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(ask);
        }
        for _ in 0..RELOADS {
            https.renew();
            https.service.signal("HUP");
            https.service.wait_for_line("were read again");
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(answered.load(Ordering::Relaxed) > RELOADS, "there was a load");
    let after = shown();
    assert_ne!(before, after, "the new certificate is served");
    write(https.directory.path(), "server.key", "no key");
    https.service.signal("HUP");
    let warning = https.service.wait_for_line("keeping the certificate");
    assert!(warning.contains("server.key"), "{warning}");
    assert_eq!(shown(), after, "the old pair is kept");
}

#[test]
fn connections_outlive_a_reload() {
    let mut https = Https::start();
    let ca = write(https.directory.path(), "ca.crt", &https.authority.pem);
    let port = https.address().port();
    let url = format!("https://localhost:{port}/health");
    // Two requests on one connection, and a reload between them.
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--rate", "1/s", "-w", "%{http_code} %{num_connects}\n", "--cacert"]);
    curl.arg(ca).args([&url, "-o", "/dev/null", &url, "-o", "/dev/null"]);
    let mut running = curl.stdout(Stdio::piped()).spawn().expect("curl starts");
    https.renew();
    https.service.signal("HUP");
    https.service.wait_for_line("were read again");
    let status = running.wait().expect("curl ends");
    let mut said = String::new();
    std::io::Read::read_to_string(&mut running.stdout.take().expect("a pipe"), &mut said)
        .expect("text");
    assert!(status.success(), "{said}");
    assert_eq!(said, "200 1\n200 0\n", "the second needed no new connection");
}

#[test]
fn other_peoples_clients_and_versions() {
    let https = Https::start();
    let ca = write(https.directory.path(), "ca.crt", &https.authority.pem);
    let ca = ca.to_str().expect("a path in UTF-8");
    let address = https.address().to_string();
    let url = format!("https://localhost:{}/health", https.address().port());
    for (flag, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let arguments = ["-sS", flag, "--cacert", ca, "-w", " %{http_version}", &url];
        let said = run(Command::new("curl").args(arguments));
        assert_eq!(said, format!("{{\"status\":\"ok\"}} {version}"));
    }
    let handshake = |version: &str| {
        let arguments = ["s_client", "-connect", &address, "-CAfile", ca, version];
        run(Command::new("openssl").args(arguments).args(["-cipher", "ALL:@SECLEVEL=0"]))
    };
    for (flag, version) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let said = handshake(flag);
        assert!(said.contains(&format!("New, {version}, Cipher is")), "{said}");
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
    }
    for flag in ["-tls1", "-tls1_1"] {
        let said = handshake(flag);
        assert!(said.contains("Cipher is (NONE)") && said.contains("alert"), "{flag}: {said}");
    }
    let plain = run(Command::new("curl").args(["-sS", &format!("http://{address}/health")]));
    assert!(!plain.contains("ok"), "plain HTTP is not answered: {plain}");
}

#[test]
fn a_check_over_http2_is_the_same_and_comes_line_by_line() {
    let https = Https::start();
    let ca = write(https.directory.path(), "ca.crt", &https.authority.pem);
    let open = Listening::on(LOOPBACK);
    let url = format!("https://localhost:{}/check-ports", https.address().port());
    let body = format!(r#"{{"provider_ip":"127.0.0.1","ports":[{}]}}"#, open.port());
    let said = run(Command::new("curl")
        .args(["-sS", "--http2", "--cacert"])
        .arg(ca)
        .args(["-H", "Content-Type: application/json", "-H", "Accept: application/x-ndjson"])
        .args(["-d", &body, &url]));
    let line = format!("{{\"port\":{},\"accessible\":true,\"error\":null}}\n", open.port());
    assert!(said.starts_with(&line), "{said}");
}

/// Over plain TCP a client may know beforehand that HTTP/2 is spoken (RFC 9113, section 3.3).
#[test]
fn clients_that_begin_with_http2_over_plain_tcp_are_served() {
    let settings = [("PORT_CHECKER_ALLOW_LOCAL_IPS", "true")];
    let service = Service::start(&mut port_checker(&["serve"], &settings));
    let url = format!("http://{}", service.address);
    let curl = |arguments: &[&str]| {
        let common = ["-sS", "-w", " %{http_version} %{http_code}"];
        run(Command::new("curl").args(common).args(arguments))
    };
    let health = format!("{url}/health");
    let knows = curl(&["--http2-prior-knowledge", &health]);
    assert_eq!(knows, r#"{"status":"ok"} 2 200"#);
    let asks = curl(&["--http2", &health]);
    assert_eq!(asks, r#"{"status":"ok"} 1.1 200"#, "an upgrade is not taken");
    let check = format!("{url}/check-ports");
    let json = "Content-Type: application/json";
    let body = r#"{"ports":[]}"#;
    let said = curl(&["--http2-prior-knowledge", "-H", json, "-d", body, &check]);
    assert!(said.starts_with(r#"{"success":false"#) && said.ends_with(" 2 200"), "{said}");
}

#[test]
fn clients_trust_an_authority_of_their_own_if_told() {
    let https = Https::start();
    let ca = write(https.directory.path(), "ca.crt", &https.authority.pem);
    let open = Listening::on(LOOPBACK).port().to_string();
    let url = format!("https://localhost:{}", https.address().port());
    let check = |further: &[&str]| {
        let arguments = ["check", "127.0.0.1", &open, "--server", &url];
        let output = port_checker(&[&arguments[..], further].concat(), &[]).output();
        let output = output.expect("the program starts");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (status, text) = check(&[]);
    assert_eq!(status, Some(3), "nobody vouches for it: {text}");
    let (status, text) = check(&["--ca-file", ca.to_str().expect("a path in UTF-8")]);
    assert_eq!(status, Some(1), "it was free a moment ago: {text}");
    let mut without_roots = port_checker(&["check", "127.0.0.1", &open, "--server", &url], &[]);
    without_roots.arg("--ca-file").arg(https.directory.path().join("ca.crt"));
    without_roots.env("SSL_CERT_FILE", "/nonexistent").env("SSL_CERT_DIR", "/nonexistent");
    let status = without_roots.output().expect("the program starts").status;
    assert_eq!(status.code(), Some(1), "the authority alone is enough");
    for file in ["/nonexistent", https.files.1.to_str().expect("a path in UTF-8")] {
        assert_eq!(check(&["--ca-file", file]).0, Some(2), "{file}");
    }
}

#[test]
fn clients_that_never_shake_hands_are_let_go() {
    let https = Https::start();
    let silent: Vec<_> = (0..500).map(|_| connect(https.address())).collect();
    let (answer, _) =
        tls::get(https.address(), &https.authority.pem, "/health").expect("an answer");
    assert_eq!(answer.status, 200, "others are served meanwhile");
    for mut stream in silent {
        let ended = std::io::Read::read(&mut stream, &mut [0]);
        assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    }
}

/// Nothing but the handshake came from them, so that it is not even known whether they will speak.
#[test]
fn a_client_that_chose_http2_and_said_nothing_does_not_delay_the_end() {
    let https = Https::start();
    let address = https.address().to_string();
    let silent = ["s_client", "-connect", &address, "-alpn", "h2", "-quiet"];
    let mut silent = Running::launch(Command::new("openssl").args(silent).stdin(Stdio::piped()));
    wait_until("it is connected", || {
        let ca = &https.authority.pem;
        let (metrics, _) = tls::get(https.address(), ca, "/metrics").expect("an answer");
        String::from_utf8_lossy(&metrics.body).contains("port_checker_connections 2\n")
    });
    assert!(silent.goes_on());
    let (status, log) = https.service.finish();
    assert_eq!(status.code(), Some(0));
    assert!(!log.iter().any(|line| line.contains("cutting off")), "{log:?}");
}

#[test]
fn a_head_that_is_too_large_has_an_error_body_over_http2_too() {
    let https = Https::start();
    let ca = write(https.directory.path(), "ca.crt", &https.authority.pem);
    let url = format!("https://localhost:{}/health", https.address().port());
    let large = format!("X-Large: {}", "x".repeat(20_000));
    let said = run(Command::new("curl")
        .args(["-sS", "--http2", "-w", " %{http_code}", "--cacert"])
        .arg(ca)
        .args(["-H", &large, &url]));
    assert!(said.contains("PAYLOAD_TOO_LARGE") && said.ends_with(" 431"), "{said}");
}

#[test]
fn half_an_identity_or_a_wrong_one_stops_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let authority = Authority::new();
    let one = identity(&authority).write(directory.path(), "one");
    let other = identity(&authority).write(directory.path(), "other");
    let path = |path: &PathBuf| path.display().to_string();
    let cases = [
        (Some(path(&one.0)), None, "PORT_CHECKER_TLS_KEY to be set too", "no key"),
        (None, Some(path(&one.1)), "PORT_CHECKER_TLS_CERT to be set too", "no certificate"),
        (
            Some(path(&one.0)),
            Some(path(&other.1)),
            "the key of the first certificate",
            "another's key",
        ),
    ];
    for (certificate, key, said, why) in cases {
        let mut command = port_checker(&["serve"], &[]);
        command.envs(certificate.map(|path| ("PORT_CHECKER_TLS_CERT", path)));
        command.envs(key.map(|path| ("PORT_CHECKER_TLS_KEY", path)));
        let output = command.output().expect("the program starts");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{why}: {complaint}");
        assert!(complaint.contains(said), "{why}: {complaint}");
    }
}
