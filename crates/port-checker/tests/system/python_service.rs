//! The Python service and this one, asked the same, answer the same.

use std::net::IpAddr;

use port_checker_testbed::{
    http::{check_ports, get},
    ports::{Held, Listening, Refusing},
    process::{Running, Service},
};

use crate::program::port_checker;

#[test]
fn valid_requests_get_equal_answers() {
    let Some((_python, address)) = Running::python_service() else { return };
    let settings = [("PORT_CHECKER_ALLOW_LOCAL_IPS", "true")];
    let ours = Service::start(&mut port_checker(&["serve"], &settings));

    let health = (get(address, "/health"), get(ours.address, "/health"));
    assert_eq!((health.0.status, health.0.body), (health.1.status, health.1.body));
    let v4 = Ports::on("127.0.0.1");
    let v6 = Ports::on("::1");
    for (body, why) in v4.requests().into_iter().chain(v6.requests()) {
        let (theirs, ours) = (check_ports(address, &body), check_ports(ours.address, &body));
        assert_eq!((ours.status, ours.json()), (theirs.status, theirs.json()), "{why}: {body}");
        assert_eq!(ours.status, 200, "{why}");
    }
}

/// Some ports of each kind.
struct Ports {
    ip: IpAddr,
    open: Vec<Listening>,
    closed: Vec<Refusing>,
}

impl Ports {
    fn on(ip: &str) -> Self {
        let ip = ip.parse().expect("an address");
        let open = (0..20).map(|_| Listening::on(ip)).collect();
        Self { ip, open, closed: (0..20).map(|_| Refusing::on(ip)).collect() }
    }

    fn requests(&self) -> Vec<(String, &'static str)> {
        let (open, closed) = (numbers(&self.open), numbers(&self.closed));
        let mixed: Vec<u16> =
            closed.iter().zip(&open).flat_map(|(closed, open)| [*closed, *open]).collect();
        let cases: [(&[u16], &str); 6] = [
            (&open[..1], "one open port"),
            (&closed[..1], "one closed port"),
            (&open, "many open ports"),
            (&closed, "many closed ports"),
            (&mixed, "many ports of both kinds"),
            (&[], "no ports"),
        ];
        let body = |ports: &[u16]| format!(r#"{{"provider_ip":"{}","ports":{ports:?}}}"#, self.ip);
        cases.map(|(ports, why)| (body(ports), why)).into()
    }
}

fn numbers(ports: &[impl Held]) -> Vec<u16> {
    ports.iter().map(|port| port.port().get()).collect()
}
