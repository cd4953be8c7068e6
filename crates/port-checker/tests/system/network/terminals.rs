//! The report on terminals of 80 and of 40 columns.

use std::{
    process::{Command, Output},
    time::Duration,
};

use port_checker_testbed::{
    long_line::{Line, LongLine},
    namespace::Namespace,
    process::Service,
    skip,
};

use super::internet::{
    CHECKER, Internet, attach, attach_far, forward, machine, masquerading_router, serve,
};
use crate::program::{PORT_CHECKER, configure};

/// A machine, and everything it needs to be checked.
struct Situation {
    provider: Namespace,
    _line: Option<LongLine>,
    _others: Vec<Namespace>,
    _services: Vec<Service>,
    _internet: Internet,
}

/// A machine with public addresses of both families.
fn data_centre() -> Situation {
    let internet = Internet::new();
    let provider = internet.data_centre();
    let service = internet.serve();
    Situation {
        provider,
        _line: None,
        _others: vec![],
        _services: vec![service],
        _internet: internet,
    }
}

/// A machine behind a router, both a long way from the checker; `wanted` are the ports that the router forwards, and
/// `dropped` what it drops.
fn home(inside: &str, gateway: &str, wanted: Option<&str>, dropped: &str) -> Situation {
    let internet = Internet::new();
    let (router, provider) = (masquerading_router(), machine());
    let line = Line::with_round_trip(Duration::from_millis(50), 0.0);
    let line =
        attach_far(&router, &["203.0.113.7/24"], &internet.backbone, &["203.0.113.254/24"], line);
    attach(&provider, &[&format!("{inside}/24")], &router, &[&format!("{gateway}/24")]);
    if let Some(ports) = wanted {
        forward(&router, "203.0.113.7", ports, inside);
    }
    let chain = |hook| {
        format!("chain {hook} {{\n type filter hook {hook} priority filter\n {dropped}\n }}\n")
    };
    router.firewall(&format!("table ip filter {{\n {}{}}}\n", chain("input"), chain("forward")));
    let neighbour = machine();
    attach(&neighbour, &["192.168.2.20/24"], &router, &["192.168.2.1/24"]);
    let services = vec![internet.serve(), serve(&neighbour)];
    Situation {
        provider,
        _line: Some(line),
        _others: vec![router, neighbour],
        _services: services,
        _internet: internet,
    }
}

/// What a person sees who runs a verification in a terminal so wide.
fn on_terminal(machine: &Namespace, columns: u16, arguments: &str) -> String {
    let script =
        format!("stty rows 24 cols {columns}; exec {PORT_CHECKER} verify {arguments} 2>/dev/null");
    let mut command: Command = machine.command("script", &["-qec", &script, "/dev/null"]);
    configure(&mut command, &[("NO_COLOR", "1")]);
    let Output { stdout, .. } = command.output().expect("script(1) starts");
    String::from_utf8(stdout).expect("text").replace("\r\n", "\n")
}

#[test]
fn six_situations_on_wide_and_narrow_terminals() {
    if !skip::is_root() {
        return;
    }
    let drops = "tcp dport 20000-20099 drop";
    let guard = "ct state new tcp dport 20000-20039 limit rate over 1/hour burst 15 packets drop";
    let named = |server: &str, ports: &str| format!("{ports} --server {server}");
    let situations: [(&str, &dyn Fn() -> Situation, String); 6] = [
        ("directly", &data_centre, named(CHECKER, "7466 50800-50899")),
        (
            "router_refuses",
            &|| home("192.168.1.10", "192.168.1.1", None, "meta mark 1"),
            named(CHECKER, "7466 50800-50899"),
        ),
        (
            "no_forward",
            &|| home("192.168.1.10", "192.168.1.1", None, drops),
            named(CHECKER, "20000 20001-20009,20011"),
        ),
        (
            "provider_translates",
            &|| home("100.64.0.10", "100.64.0.1", None, drops),
            named(CHECKER, "20000"),
        ),
        (
            "checker_beside",
            &|| home("192.168.1.10", "192.168.1.1", Some("20000"), "meta mark 1"),
            named("http://192.168.2.20:9000", "20000 --ip 203.0.113.7"),
        ),
        (
            "scan_guard",
            &|| home("192.168.1.10", "192.168.1.1", Some("20000-20039"), guard),
            named(CHECKER, "20000-20039"),
        ),
    ];
    for (name, new, arguments) in situations {
        for columns in [80, 40] {
            // A guard remembers who came before.
            let situation = new();
            let text = on_terminal(&situation.provider, columns, &arguments);
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(widest <= usize::from(columns), "{name}: {widest} columns: {text}");
            insta::assert_snapshot!(format!("{name}_{columns}"), text);
        }
    }
}
