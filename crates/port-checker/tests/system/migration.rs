//! What the book says to those who come from the Python service.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use port_checker_testbed::{
    certificates::{Authority, Validity, write},
    http::{JSON, get, post},
    nginx,
    ports::{Held, LOOPBACK, Listening},
    process::{Running, Service, free_address},
    tls,
};

use crate::program::port_checker;

const BOOK: &str = include_str!("../../../../docs/migrating.md");

/// Header lines, a body, and the status and code with which this service refuses it.
type Row<'a> = (&'a str, Vec<u8>, u16, &'a str, &'a str);

fn refused() -> Vec<Row<'static>> {
    let about =
        |ip: &str, port: &str| format!(r#"{{"provider_ip":"{ip}","ports":[{port}]}}"#).into_bytes();
    let with =
        |field: &str| format!(r#"{{"provider_ip":"127.0.0.1","ports":[1],{field}}}"#).into_bytes();
    let good = || about("127.0.0.1", "1");
    let utf16 = String::from_utf8(good()).expect("ASCII").encode_utf16().collect::<Vec<_>>();
    let utf16 = [0xfeff_u16].into_iter().chain(utf16).flat_map(u16::to_le_bytes).collect();
    let many = (1..=1025).map(|port: u16| port.to_string()).collect::<Vec<_>>().join(",");
    vec![
        (JSON, about("localhost", "1"), 422, "INVALID_IP", "a host name"),
        (JSON, about("127.1", "1"), 422, "INVALID_IP", "`127.1`"),
        (JSON, about("2130706433", "1"), 422, "INVALID_IP", "`2130706433`"),
        (JSON, about("0177.0.0.1", "1"), 422, "INVALID_IP", "`0177.0.0.1`"),
        (JSON, about("", "1"), 422, "INVALID_IP", "an empty `provider_ip`"),
        (JSON, about("::1%lo", "1"), 422, "INVALID_IP", "`::1%lo`"),
        (JSON, about("127.0.0.1", r#""7466""#), 422, "INVALID_PORT", r#"`"7466"`"#),
        (JSON, about("127.0.0.1", r#""7_466""#), 422, "INVALID_PORT", r#"`"7_466"`"#),
        (JSON, about("127.0.0.1", "true"), 422, "INVALID_PORT", "`true`"),
        (JSON, about("127.0.0.1", &many), 422, "TOO_MANY_PORTS", "more than 1024 ports"),
        (JSON, with(r#""challenge":7"#), 422, "INVALID_REQUEST", "`challenge`"),
        (JSON, with(r#""verbose":"yes""#), 422, "INVALID_REQUEST", "`verbose`"),
        (JSON, with(r#""ports":[2]"#), 422, "INVALID_REQUEST", "the same field twice"),
        (JSON, with(r#""x":NaN"#), 422, "INVALID_REQUEST", "`NaN`"),
        (JSON, utf16, 422, "INVALID_REQUEST", "a body in UTF-16"),
        ("", good(), 415, "UNSUPPORTED_MEDIA_TYPE", "no `Content-Type`"),
        (
            JSON,
            with(&format!(r#""x":"{}""#, "x".repeat(1 << 20))),
            413,
            "PAYLOAD_TOO_LARGE",
            "1 MiB",
        ),
    ]
}

#[test]
fn requests_that_python_accepted_and_this_service_refuses() {
    let Some((_python, python)) = Running::python_service() else { return };
    let settings = [("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"), ("PORT_CHECK_RETRIES", "1")];
    let service = Service::start(&mut port_checker(&["serve"], &settings));
    thread::scope(|scope| {
        for (headers, body, _, _, in_the_book) in refused() {
            // Python takes two seconds for a closed port.
            scope.spawn(move || {
                let accepted = post(python, "/check-ports", headers, &body).status;
                assert_eq!(accepted, 200, "{in_the_book}");
            });
        }
    });
    for (headers, body, status, code, in_the_book) in refused() {
        let answer = post(service.address, "/check-ports", headers, &body);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{in_the_book}");
        let told = |line: &str| line.contains(in_the_book) && line.contains(code);
        assert!(BOOK.lines().any(told), "{in_the_book} is in no row with {code}");
    }
    assert_eq!(post(python, "/check-ports/", JSON, b"{}").status, 307);
    assert_eq!(post(service.address, "/check-ports/", JSON, b"{}").status, 404);
    assert_eq!(get(service.address, "/proxy").status, 404);
}

/// Answers every request as the discovery service would not, so that it can be told from ours.
fn discovery() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound socket").to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let answer =
                "HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\ndiscovery";
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn the_nginx_of_the_book_sends_each_path_where_it_belongs() {
    let settings =
        [("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"), ("PORT_CHECKER_TRUSTED_PROXIES", "127.0.0.1")];
    let service = Service::start(&mut port_checker(&["serve"], &settings));
    let directory = tempfile::tempdir().expect("a directory");
    let (at, address) = (directory.path(), free_address());
    let authority = Authority::new();
    let (certificate, key) = authority.issue(&["localhost"], Validity::Now).write(at, "server");
    let (_, block) = BOOK.split_once("```nginx\n").expect("the book has it");
    let block = block.split("```").next().expect("it ends");
    let live = "/etc/letsencrypt/live/checker.example";
    let server = block
        .replace("listen 443 ssl", &format!("listen {address} ssl"))
        .replace(&format!("{live}/fullchain.pem"), certificate.to_str().expect("UTF-8"))
        .replace(&format!("{live}/privkey.pem"), key.to_str().expect("UTF-8"))
        .replace("127.0.0.1:9000", &service.address.to_string())
        .replace("127.0.0.1:9001", &discovery());
    let Some(_nginx) = nginx::start(at, address, &server) else { return };
    let ask = |path| tls::get(address, &authority.pem, path).expect("nginx answers").0;
    for path in ["/check-ports", "/check-tls"] {
        assert_eq!(ask(path).code(), "METHOD_NOT_ALLOWED", "{path} is this service's");
    }
    assert_eq!(ask("/api/v1/discovery/offers").body, b"discovery");
    assert_eq!(ask("/proxy").status, 404, "nobody's");
    let (open, roots) = (Listening::on(LOOPBACK), write(at, "roots.pem", &authority.pem));
    let (port, url) = (open.port().to_string(), format!("https://localhost:{}", address.port()));
    let roots = roots.to_str().expect("a path in UTF-8");
    let arguments = ["check", "127.0.0.1", &port, "--server", &url, "--ca-file", roots];
    let checked = port_checker(&arguments, &[]).output().expect("the program starts");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}
