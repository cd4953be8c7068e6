//! Two checkers and a provider, with what lies between them.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::Duration,
};

use port_checker_testbed::{
    long_line::{Line, LongLine},
    namespace::Namespace,
    process::Service,
};
use serde_json::Value;

use crate::program::{PORT_CHECKER, configure};

/// The checkers by name, as every machine of this Internet knows them.
pub(super) const CHECKER: &str = "http://checker.example:9000";
pub(super) const OTHER_CHECKER: &str = "http://other.example:9000";

const HOSTS: &str = "
127.0.0.1 localhost
198.51.100.1 checker.example
2001:db8:a::1 checker.example
192.0.2.1 other.example
2001:db8:b::1 other.example
";

/// The time to the first checker and back.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// The backbone, and the machines of the two checkers. The first is far away, over a long line.
pub(super) struct Internet {
    pub(super) backbone: Namespace,
    pub(super) checker: Namespace,
    pub(super) other_checker: Namespace,
    _line: LongLine,
}

impl Internet {
    pub(super) fn new() -> Self {
        let (backbone, checker, other_checker) = (Namespace::new(), machine(), machine());
        backbone.become_router();
        let line = attach_far(
            &checker,
            &["198.51.100.1/24", "2001:db8:a::1/64"],
            &backbone,
            &["198.51.100.254/24", "2001:db8:a::fe/64"],
            Line::with_round_trip(ROUND_TRIP, 0.0),
        );
        attach(
            &other_checker,
            &["192.0.2.1/24", "2001:db8:b::1/64"],
            &backbone,
            &["192.0.2.254/24", "2001:db8:b::fe/64"],
        );
        Self { backbone, checker, other_checker, _line: line }
    }

    /// A machine with public addresses of both families.
    pub(super) fn data_centre(&self) -> Namespace {
        let machine = machine();
        attach(
            &machine,
            &["203.0.113.9/24", "2001:db8:9::9/64"],
            &self.backbone,
            &["203.0.113.254/24", "2001:db8:9::fe/64"],
        );
        machine
    }

    /// Starts the first checker.
    pub(super) fn serve(&self) -> Service {
        serve(&self.checker)
    }
}

/// A machine that knows the checkers by name.
pub(super) fn machine() -> Namespace {
    let machine = Namespace::new();
    machine.etc_file("hosts", HOSTS);
    machine
}

/// Connects a machine to its router; each end has an address with its prefix, or one of each family.
pub(super) fn attach(machine: &Namespace, own: &[&str], router: &Namespace, routers: &[&str]) {
    machine.cable(own, router, routers);
    route_all(machine, routers);
}

/// The same over a long line.
pub(super) fn attach_far(
    machine: &Namespace,
    own: &[&str],
    router: &Namespace,
    routers: &[&str],
    line: Line,
) -> LongLine {
    let line = LongLine::between(machine, own, router, routers, line);
    route_all(machine, routers);
    line
}

fn route_all(machine: &Namespace, gateways: &[&str]) {
    for gateway in gateways {
        let address = gateway.split('/').next().expect("an address before the prefix");
        let family = if address.contains(':') { "-6" } else { "-4" };
        machine.ip(&[family, "route", "add", "default", "via", address]);
    }
}

/// A router that hides those behind it.
pub(super) fn masquerading_router() -> Namespace {
    let router = Namespace::new();
    router.become_translating_router();
    router
}

/// Forwards what comes for `address` at these ports to another machine: rules of nft(8).
pub(super) fn forward(router: &Namespace, address: &str, ports: &str, to: &str) {
    router.firewall(&format!(
        "
table ip forwards {{
    chain prerouting {{
        type nat hook prerouting priority dstnat
        ip daddr {address} tcp dport {ports} dnat to {to}
    }}
}}
"
    ));
}

/// Starts a checker that judges quickly.
pub(super) fn serve(machine: &Namespace) -> Service {
    serve_with(machine, &[])
}

/// The same with more arguments.
pub(super) fn serve_with(machine: &Namespace, arguments: &[&str]) -> Service {
    let mut command = machine.command(PORT_CHECKER, &[&["serve"], arguments].concat());
    let settings = [
        ("PORT_CHECKER_HOST", "::"),
        ("PORT_CHECKER_PORT", "9000"),
        ("PORT_CHECKER_ALLOWED_TARGETS", "192.0.2.0/24,203.0.113.0/24,2001:db8::/32"),
        ("PORT_CHECK_RETRIES", "2"),
        ("PORT_CHECK_RETRY_DELAY", "0.1"),
        ("PORT_CHECK_TIMEOUT", "1"),
    ];
    configure(&mut command, &settings);
    Service::start(&mut command)
}

/// A command line of `port-checker` on a machine, blanks between the arguments.
pub(super) fn port_checker_on(machine: &Namespace, arguments: &str) -> Command {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let mut command = machine.command(PORT_CHECKER, &arguments);
    configure(&mut command, &[]);
    command
}

/// What a command came to.
pub(super) struct Report {
    pub(super) status: Option<i32>,
    pub(super) text: String,
}

impl Report {
    /// Runs `port-checker` on a machine to its end.
    pub(super) fn of(machine: &Namespace, arguments: &str) -> Self {
        Self::run(&mut port_checker_on(machine, arguments))
    }

    /// The same by root without the right to watch packets (CAP_NET_RAW).
    pub(super) fn unwatched(machine: &Namespace, arguments: &str) -> Self {
        let without = ["--inh-caps=-net_raw", "--bounding-set=-net_raw", "--", PORT_CHECKER];
        let mut command = machine.command("setpriv", &without);
        command.args(arguments.split_whitespace());
        configure(&mut command, &[]);
        Self::run(&mut command)
    }

    /// Runs a command to its end.
    pub(super) fn run(command: &mut Command) -> Self {
        let output = command.output().expect("the program starts");
        let Output { status, stdout, stderr } = output;
        let text = String::from_utf8(stdout).expect("text");
        let complaint = String::from_utf8_lossy(&stderr);
        assert_eq!(
            complaint.is_empty(),
            status.code() != Some(2),
            "progress is for terminals: {complaint}"
        );
        Self { status: status.code(), text }
    }

    /// The JSON document.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("a JSON document")
    }

    /// The text with single blanks instead of line breaks.
    pub(super) fn flowing(&self) -> String {
        self.text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// A copy of the command that every user may run: the original lies where only its owner may look.
pub(super) fn copy_for_everybody(directory: &Path) -> PathBuf {
    let copy = directory.join("port-checker");
    fs::copy(PORT_CHECKER, &copy).expect("the command can be copied");
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).expect("it is ours");
    copy
}

/// Answers each connection with a greeting that is nobody's challenge.
pub(super) fn greet(machine: &Namespace, address: &str) {
    let listener = machine.within(|| TcpListener::bind(address).expect("a free port"));
    thread::spawn(move || {
        for stream in listener.incoming().take(100) {
            let Ok(mut stream) = stream else { return };
            let _ = std::io::Write::write_all(&mut stream, b"SSH-2.0-OpenSSH_9.2\r\n");
        }
    });
}
