//! Callers behind a real nginx, and behind a real HAProxy that passes bytes on.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use port_checker_testbed::{
    certificates::{Authority, Validity},
    http::{Answer, connect_from, exchange, send},
    nginx,
    process::{Running, Service, free_address},
    skip, tls,
};

use crate::program::port_checker;

mod udp;

/// The client's address, and those that pass for proxies: nginx itself, and another before it.
const CLIENT: &str = "127.0.0.2";
const TRUSTED: &str = "127.0.0.1,10.0.0.0/8";

fn service(trusted: &str) -> Service {
    let settings = [
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ("PORT_CHECKER_TRUSTED_PROXIES", trusted),
        ("PORT_CHECK_RETRIES", "1"),
    ];
    Service::start(&mut port_checker(&["serve"], &settings))
}

/// nginx before `upstream`, which it tells of its client by a header.
fn nginx(directory: &Path, upstream: SocketAddr, header: &str) -> Option<(Running, SocketAddr)> {
    let address = free_address();
    let server = format!(
        "server {{
             listen {address};
             location / {{ proxy_pass http://{upstream}; {header} }}
         }}"
    );
    Some((nginx::start(directory, address, &server)?, address))
}

#[test]
fn the_caller_is_whom_a_trusted_nginx_speaks_for() {
    let appends = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";
    let forwarded = "proxy_set_header Forwarded \"for=$remote_addr;proto=http\";";
    let cases = [
        (TRUSTED, appends, "", CLIENT, "nginx says who it is"),
        (TRUSTED, appends, "X-Forwarded-For: 8.8.8.8\r\n", CLIENT, "forged on the left"),
        (TRUSTED, appends, "Forwarded: for=8.8.8.8\r\n", "127.0.0.1", "another header forged"),
        (TRUSTED, forwarded, "Forwarded: for=8.8.8.8\r\n", CLIENT, "forged and replaced"),
        ("", appends, "", "127.0.0.1", "nobody is trusted: the caller is nginx"),
    ];
    for (trusted, header, forged, caller, why) in cases {
        let directory = tempfile::tempdir().unwrap();
        let mut service = service(trusted);
        let Some((_nginx, address)) = nginx(directory.path(), service.address, header) else {
            return;
        };
        let answer = ask_from(CLIENT, address, forged);
        assert_eq!(answer.status, 200, "{why}: {answer:?}");
        let line = service.wait_for_line("checked");
        assert!(line.contains(&format!("caller={caller} ")), "{why}: {line}");
        assert!(line.contains(&format!("target={caller} ")), "{why}: the caller's own: {line}");
    }
}

#[test]
fn limits_are_per_caller_and_not_per_proxy() {
    let directory = tempfile::tempdir().unwrap();
    let service = service(TRUSTED);
    let appends = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";
    let Some((_nginx, address)) = nginx(directory.path(), service.address, appends) else { return };
    let left = |answer: Answer| answer.header("ratelimit").unwrap_or_default().to_owned();
    let first = left(ask_from("127.0.0.2", address, ""));
    let other = left(ask_from("127.0.0.3", address, ""));
    let again = left(ask_from("127.0.0.2", address, ""));
    assert!(first.starts_with(r#""caller";r=2047;"#), "{first}");
    assert!(other.starts_with(r#""caller";r=2047;"#), "another caller's own: {other}");
    assert!(again.starts_with(r#""caller";r=2046;"#), "{again}");
}

/// Asks for a check of one of the caller's own ports, from a certain address.
fn ask_from(client: &str, server: SocketAddr, headers: &str) -> Answer {
    let mut stream = connect_from(client, server).expect("the proxy listens");
    exchange(&mut stream, headers, r#"{"ports":[1]}"#).expect("an answer")
}

/// HAProxy in front of `upstream`, which does not look into what it passes on.
fn haproxy(directory: &Path, upstream: SocketAddr, how: &str) -> Option<(Running, SocketAddr)> {
    haproxy_in(directory, "tcp", upstream, how)
}

/// HAProxy in one of its modes, with the options that belong to it.
fn haproxy_in(
    directory: &Path,
    mode: &str,
    upstream: SocketAddr,
    how: &str,
) -> Option<(Running, SocketAddr)> {
    if !skip::has("haproxy", "-v") {
        return None;
    }
    let address = free_address();
    let configuration = format!(
        "defaults
             mode {mode}
             timeout connect 5s
             timeout client 60s
             timeout server 60s
         listen checker
             bind {address}
             server one {upstream} {how}\n"
    );
    let file = directory.join("haproxy.cfg");
    fs::write(&file, configuration).expect("a writable directory");
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(&file);
    Some((Running::start(&mut command, address), address))
}

#[test]
fn the_caller_is_whom_a_trusted_haproxy_names_in_a_proxy_header() {
    let forged = "X-Forwarded-For: 8.8.8.8\r\n";
    let cases = [
        ("send-proxy", "", CLIENT, "version 1"),
        ("send-proxy-v2", "", CLIENT, "version 2"),
        ("send-proxy-v2 proxy-v2-options crc32c,unique-id", "", CLIENT, "with further fields"),
        ("send-proxy", forged, CLIENT, "the client is no proxy, and its header is forged"),
        ("", "", "127.0.0.1", "no PROXY header: the caller is HAProxy"),
    ];
    for (how, headers, caller, why) in cases {
        let directory = tempfile::tempdir().unwrap();
        let mut service = service(TRUSTED);
        let Some((_haproxy, address)) = haproxy(directory.path(), service.address, how) else {
            return;
        };
        let answer = ask_from(CLIENT, address, headers);
        assert_eq!(answer.status, 200, "{why}: {answer:?}");
        let line = service.wait_for_line("checked");
        assert!(line.contains(&format!("caller={caller} ")), "{why}: {line}");
    }
}

/// The header comes before the handshake.
#[test]
fn a_proxy_header_before_tls() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let identity = authority.issue(&["localhost"], Validity::Now);
    let (certificate, key) = identity.write(directory.path(), "server");
    let settings = [
        ("PORT_CHECKER_TRUSTED_PROXIES", TRUSTED),
        ("PORT_CHECKER_TLS_CERT", certificate.to_str().expect("a path in UTF-8")),
        ("PORT_CHECKER_TLS_KEY", key.to_str().expect("a path in UTF-8")),
    ];
    let service = Service::start(&mut port_checker(&["serve"], &settings));
    for how in ["send-proxy", "send-proxy-v2"] {
        let Some((_haproxy, address)) = haproxy(directory.path(), service.address, how) else {
            return;
        };
        let (answer, _) = tls::get_from(CLIENT, address, &authority.pem, "/ip").expect("an answer");
        assert_eq!(String::from_utf8_lossy(&answer.body), format!("{CLIENT}\n"), "{how}");
    }
}

#[test]
fn a_proxy_header_of_whom_nobody_trusts_is_no_request() {
    let request = "GET /ip HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    let v1 = format!("PROXY TCP4 8.8.8.8 127.0.0.1 4711 9000\r\n{request}");
    let address = b"\x08\x08\x08\x08\x7f\0\0\x01\x12\x67\x23\x28";
    let signature = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
    let v2 = [&signature[..], address, request.as_bytes()].concat();
    let (trusting, not_trusting) = (service(TRUSTED), service(""));
    for header in [v1.as_bytes(), &v2] {
        let answer = send(trusting.address, header);
        assert_eq!(String::from_utf8_lossy(&answer.body), "8.8.8.8\n", "this is what is forged");
        let answer = send(not_trusting.address, header);
        assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_REQUEST"));
    }
    let no_address = format!("PROXY TCP4 8.8.8 127.0.0.1 4711 9000\r\n{request}");
    assert_eq!(send(trusting.address, no_address.as_bytes()).status, 400, "no good header");
}
