//! Callers behind a real nginx.

use std::{fs, net::SocketAddr, process::Command};

use port_checker_testbed::{
    http::{Answer, exchange},
    process::{Running, Service, free_address},
    skip,
};
use socket2::{Domain, Socket, Type};

use crate::program::port_checker;

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

fn nginx(
    directory: &std::path::Path,
    upstream: SocketAddr,
    header: &str,
) -> Option<(Running, SocketAddr)> {
    if !skip::has("nginx", "-v") {
        return None;
    }
    let address = free_address();
    let place = directory.display();
    let configuration = format!(
        "daemon off; worker_processes 1; pid {place}/pid; error_log {place}/error.log;
         events {{}}
         http {{
             access_log off;
             client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;
             fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;
             server {{
                 listen {address};
                 location / {{ proxy_pass http://{upstream}; {header} }}
             }}
         }}"
    );
    let file = directory.join("nginx.conf");
    fs::write(&file, configuration).expect("a writable directory");
    let mut command = Command::new("nginx");
    command.arg("-p").arg(directory).arg("-c").arg(&file);
    Some((Running::start(&mut command, address), address))
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
#[expect(clippy::disallowed_methods, reason = "dials the nginx it started")]
fn ask_from(client: &str, server: SocketAddr, headers: &str) -> Answer {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let from: SocketAddr = format!("{client}:0").parse().expect("an address");
    socket.bind(&from.into()).expect("loopback has many addresses");
    socket.connect(&server.into()).expect("nginx listens");
    exchange(&mut socket.into(), headers, r#"{"ports":[1]}"#).expect("an answer")
}
