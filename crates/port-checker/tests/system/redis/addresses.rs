//! The ways to reach a Redis: with a password, through a socket, over TLS.

use port_checker_testbed::{
    certificates::{Authority, Validity, write},
    http::{check_ports, metric},
    process::{Service, free_address},
    redis,
};

use crate::program::port_checker;

#[test]
fn addresses_with_a_password_a_socket_or_tls() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (plain, tls) = (free_address(), free_address());
    let authority = Authority::new();
    let (certificate, key) =
        authority.issue(&["localhost"], Validity::Now).write(directory.path(), "redis");
    write(directory.path(), "ca.crt", &authority.pem);
    let (authority, certificate) = (path("ca.crt"), certificate.display().to_string());
    let key = key.display().to_string();
    let tls_port = tls.port().to_string();
    let socket = path("redis.sock");
    let options = [
        "--requirepass",
        "s3cret",
        "--unixsocket",
        &socket,
        "--tls-port",
        &tls_port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &authority,
        "--tls-auth-clients",
        "no",
    ];
    let Some(_redis) = redis::start(plain, &options) else { return };
    let urls = [
        format!("redis://:s3cret@{plain}"),
        format!("unix://{socket}?pass=s3cret"),
        format!("rediss://:s3cret@localhost:{tls_port}"),
    ];
    for url in urls {
        let settings = [
            ("PORT_CHECKER_REDIS_URL", url.as_str()),
            ("SSL_CERT_FILE", &authority),
            ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ];
        let mut service = Service::start(&mut port_checker(&["serve"], &settings));
        service.wait_for_line("limits are shared through Redis");
        let answer = check_ports(service.address, r#"{"ports":[1]}"#);
        assert_eq!(answer.status, 200, "{url}: {answer:?}");
        assert_eq!(metric(service.address, "port_checker_redis_up "), 1.0, "{url}");
        let (_, log) = service.finish();
        assert!(!log.iter().any(|line| line.contains("s3cret")), "{url}: {log:?}");
        let shown = port_checker(&["serve", "--check-config"], &settings).output().unwrap();
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(shown.contains("REDIS_URL=") && !shown.contains("s3cret"), "{shown}");
    }
}
