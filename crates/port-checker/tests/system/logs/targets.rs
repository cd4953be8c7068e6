//! Which target a line names, whatever became of the check.

use port_checker_testbed::{
    http::{JSON, check_ports, post},
    process::Service,
};

use super::QUICK;
use crate::program::port_checker;

#[test]
fn a_refused_check_of_either_kind_is_logged_with_its_target() {
    let settings = [QUICK.as_slice(), &[("PORT_CHECKER_ALLOWED_PORTS", "1024-65535")]].concat();
    let mut service = Service::start(&mut port_checker(&["serve"], &settings));
    check_ports(service.address, r#"{"provider_ip":"127.0.0.7","ports":[80]}"#);
    let line = service.wait_for_line("rejected");
    assert!(line.contains("target=127.0.0.7 ports=1"), "{line}");
    let cases = [
        ("127.0.0.8", 80, "target=127.0.0.8 ports=1", "a port that is not admitted"),
        ("192.0.2.9", 8080, "target=192.0.2.9 ports=1", "an address that is not admitted"),
        ("name.invalid", 80, "target=name.invalid ports=1", "a name that was not looked up"),
    ];
    for (host, port, target, why) in cases {
        let body = format!(r#"{{"host":"{host}","port":{port}}}"#);
        post(service.address, "/check-tls", JSON, body.as_bytes());
        let line = service.wait_for_line("rejected");
        assert!(line.contains("TARGET_NOT_ALLOWED") && line.contains(target), "{why}: {line}");
    }
}
