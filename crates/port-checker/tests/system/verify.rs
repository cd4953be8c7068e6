//! `port-checker verify` and `check` on one machine.

use std::{
    net::{Ipv6Addr, TcpListener},
    process::{Command, Output, Stdio},
};

use port_checker_testbed::{
    namespace::Namespace,
    ports::{Held, LOOPBACK, Listening, Refusing, unused},
    process::{Running, Service, wait_until},
    skip,
};
use serde_json::Value;

use crate::program::{PORT_CHECKER, configure, port_checker};

/// A thousand ports beside an open-file limit of as many.
const THOUSAND: &str = "20000-20999";

fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

/// A command in a namespace, with the usual soft limit as the hard one.
fn limited(network: &Namespace, arguments: &[&str]) -> Command {
    let mut command = network.command("prlimit", &["--nofile=1024:1024", PORT_CHECKER]);
    configure(command.args(arguments), &[]);
    command
}

fn listening(network: &Namespace) -> usize {
    let output = network.command("ss", &["-Htln"]).output().expect("ss runs");
    String::from_utf8_lossy(&output.stdout).lines().count()
}

#[test]
fn a_thousand_ports_of_both_families_within_a_thousand_descriptors() {
    if !skip::is_root() {
        return;
    }
    let network = Namespace::new();
    let (status, text, complaint) =
        output(&mut limited(&network, &["verify", THOUSAND, "--local"]));
    assert_eq!((status, complaint.as_str()), (Some(0), ""), "{text}");
    let line = format!("  {THOUSAND}  reachable, proven ours\n");
    assert_eq!(text.matches(&line).count(), 2, "{text}");
    assert_eq!(listening(&network), 0);
}

#[test]
fn ctrl_c_leaves_nothing_listening() {
    if !skip::is_root() {
        return;
    }
    let network = Namespace::new();
    let _silent = network.within(|| TcpListener::bind("127.0.0.1:9000").expect("a free port"));
    let server = "--server=http://127.0.0.1:9000";
    let arguments = ["verify", THOUSAND, server, "--ip=127.0.0.1", "--ip=::1"];
    let running = Running::launch(&mut limited(&network, &arguments));
    wait_until("hundreds of ports listen", || listening(&network) > 400);
    running.signal("INT");
    assert_eq!(running.exit_status().code(), Some(130));
    assert_eq!(listening(&network), 1, "all but the silent checker");
}

#[test]
fn everything_as_one_json_document() {
    let held = Listening::on(LOOPBACK);
    let port = held.port().to_string();
    let (status, text, complaint) =
        output(&mut port_checker(&["verify", &port, "--json", "--local", "--family=4"], &[]));
    assert_eq!((status, complaint.as_str()), (Some(0), ""), "{text}");
    let document: Value = serde_json::from_str(&text).expect("one JSON document");
    assert_eq!(document["outcome"], "local_only");
    assert_eq!(document["notices"][0]["kind"], "loopback_only");
    let result = &document["families"][0]["ports"][0];
    assert_eq!(result["verdict"], "reachable", "{result:#}");
    assert_eq!(result["local"]["state"], "in_use", "{result:#}");
    assert_eq!(result["local"]["by"]["pid"], std::process::id(), "{result:#}");
    assert_eq!(result["answers"][0]["attempts"], 1, "{result:#}");
}

#[test]
fn exit_statuses() {
    let settings = [("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"), ("PORT_CHECK_RETRIES", "1")];
    let service = Service::start(&mut port_checker(&["serve"], &settings));
    let (open, closed) = (Listening::on(LOOPBACK), Refusing::on(LOOPBACK));
    let (open, closed) = (open.port().to_string(), closed.port().to_string());
    let url = format!("http://{}", service.address);
    let nobody = format!("http://{}", Refusing::on(LOOPBACK).address());
    let cases = [
        (vec!["check", "127.0.0.1", &open, "--server", &url], 0, "reachable"),
        (vec!["check", "127.0.0.1", &open, &closed, "--server", &url], 1, "one is not"),
        (vec!["check", "127.0.0.1", &open, "--server", &nobody], 3, "nobody to ask"),
        (vec!["check", "127.0.0.1", &open], 2, "no checker named"),
        (vec!["check", "localhost", &open, "--server", &url], 2, "a name for an address"),
        (vec!["check", "127.0.0.1", "0", "--server", &url], 2, "no port"),
        (vec!["check", "127.0.0.1", &open, "--server", "ftp://a"], 2, "no URL"),
        (vec!["check", "127.0.0.1", &open, "--server", &url, "--quorum=2"], 2, "of one checker"),
        (vec!["check", "127.0.0.1", &open, "--server", &url, "--timeout=0"], 2, "no time"),
        (vec!["verify", "80-70"], 2, "a range backwards"),
        (vec!["verify"], 2, "no ports"),
        (vec!["verify", &closed, "--family", "5"], 2, "no such family"),
        (vec!["verify", &closed, "--ip", "127.0.0.1"], 2, "an address, but nobody to ask"),
        (
            vec!["verify", &closed, "--server", &url, "--family=6", "--ip=127.0.0.1"],
            2,
            "an address of another family",
        ),
        (vec!["verify", &closed, "--server", &url, "--timeout", "9"], 1, "held, and refuses"),
    ];
    for (arguments, expected, why) in cases {
        let (status, text, complaint) = output(&mut port_checker(&arguments, &[]));
        assert_eq!(status, Some(expected), "{why}: {text}{complaint}");
        assert_eq!(complaint.is_empty(), expected != 2, "{why}: {complaint}");
    }
}

/// What a person is told of an argument that cannot be used, and what would do.
#[test]
fn arguments_that_cannot_be_used() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path().to_str().expect("a path in UTF-8");
    let address = "expected an address such as 203.0.113.7 or 2001:db8::7, ";
    let rows = [
        ("check localhost 1 --server a", format!("{address}and no name")),
        ("check 127.0.0.1:80 1 --server a", format!("{address}without a port")),
        ("check [::1]:80 1 --server a", format!("{address}without a port")),
        ("check 127.0.0.0/8 1 --server a", format!("{address}without a prefix length")),
        ("check fe80::1%eth0 1 --server a", format!("{address}without a zone")),
        ("verify 1 --server a --ip [a]", format!("{address}and no name")),
        ("verify 1 --server a --quorum 0", "expected a number of checkers, 1 or more".to_owned()),
        ("verify 1 --server a --quorum x", "expected a number of checkers, 1 or more".to_owned()),
        ("verify 1 --server a --timeout x", "expected seconds from 0.1 to 3600".to_owned()),
        ("verify 1 --server a:b", "the port is not a number from 0 to 65535".to_owned()),
        ("verify 1 --server ::1", "an IPv6 address needs brackets".to_owned()),
        ("verify 1 --server a --ca-file /nowhere", "there is no such file".to_owned()),
        (&format!("verify 1 --server a --ca-file {directory}"), "it is a directory".to_owned()),
        ("verify 1 --server a --ca-file /dev/null", "there is no certificate in PEM".to_owned()),
        ("verify 1 --server http://me:secret@a", "'http://…@a' is not".to_owned()),
        ("health --url ftp://a", "expected http:// or https://, not ftp://".to_owned()),
    ];
    for (arguments, expected) in rows {
        let arguments: Vec<_> = arguments.split(' ').collect();
        let (status, _, complaint) = output(&mut port_checker(&arguments, &[]));
        assert_eq!(status, Some(2), "{arguments:?}: {complaint}");
        assert!(complaint.contains(&expected), "{arguments:?}: {complaint}");
        for words in ["secret", "os error", "digit found", "syntax", "without a base"] {
            assert!(!complaint.contains(words), "{arguments:?}: {complaint}");
        }
    }
}

/// What people copy from a browser or leave out.
#[test]
fn the_address_of_a_checker_as_people_write_it() {
    let settings = [("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"), ("PORT_CHECKER_HOST", "::")];
    let service = Service::start(&mut port_checker(&["serve"], &settings));
    let open = Listening::on(Ipv6Addr::LOCALHOST.into());
    let (open, port) = (open.port().to_string(), service.address.port());
    for (server, ip) in [
        (format!("127.0.0.1:{port}"), "::1"),
        (format!("[::1]:{port}/check-ports"), "[::1]"),
        (format!("http://localhost:{port}/check-ports/"), "[::1]"),
    ] {
        let arguments = ["check", ip, &open, "--server", &server];
        let (status, text, complaint) = output(&mut port_checker(&arguments, &[]));
        assert_eq!(status, Some(0), "{server}: {text}{complaint}");
    }
}

/// A file that nobody writes: a program that opens it waits for ever.
#[test]
fn trust_roots_are_not_read_for_plain_http() {
    let directory = tempfile::tempdir().expect("a directory");
    let never = directory.path().join("roots.pem");
    let made = Command::new("mkfifo").arg(&never).status();
    assert!(made.expect("mkfifo is installed").success());
    let port = unused(1)[0].to_string();
    let mut command = port_checker(&["verify", &port, "--local"], &[]);
    let (status, text, complaint) = output(command.env("SSL_CERT_FILE", &never));
    assert_eq!(status, Some(0), "{text}{complaint}");
}

#[test]
fn plain_http_needs_no_trust_roots() {
    let port = unused(1)[0].to_string();
    let mut command = port_checker(&["verify", &port, "--local"], &[]);
    command.env("SSL_CERT_FILE", "/nonexistent").env("SSL_CERT_DIR", "/nonexistent");
    let (status, text, complaint) = output(&mut command);
    assert_eq!(status, Some(0), "{text}{complaint}");
}

/// `script` makes a terminal for the command.
#[test]
fn progress_and_colour_are_for_terminals() {
    let port = unused(1)[0].to_string();
    let on_a_terminal = |variables: &[(&str, &str)]| {
        let mut command = Command::new("script");
        configure(command.args(["-qec"]), variables);
        command.arg(format!("{PORT_CHECKER} verify {port} --family 4")).arg("/dev/null");
        output(command.env("TERM", "xterm").stdin(Stdio::null())).1
    };
    let colourful = on_a_terminal(&[]);
    assert!(colourful.contains("\u{1b}[32mreachable"), "{colourful:?}");
    assert!(colourful.contains("⠁ 0 of 0 answers"), "{colourful:?}");
    let plain = on_a_terminal(&[("NO_COLOR", "1")]);
    assert!(plain.contains("reachable, proven ours") && !plain.contains("[32m"), "{plain:?}");
    let (_, piped, progress) = output(&mut port_checker(&["verify", &port, "--family=4"], &[]));
    assert!(!piped.contains('\u{1b}') && progress.is_empty(), "{piped:?} {progress:?}");
}

/// The Python service calls every port closed that it could not dial.
#[test]
fn a_fault_of_another_checker_is_no_verdict() {
    let Some(python) = std::env::var_os("PYTHON_SERVICE") else {
        return skip::missing("PYTHON_SERVICE, the path of its command; see scripts/test");
    };
    if !skip::is_root() {
        return;
    }
    let network = Namespace::new();
    let limit = ["--nofile=64:64", python.to_str().expect("a path in UTF-8")];
    let mut command = network.command("prlimit", &limit);
    command.env("PORT_CHECKER_HOST", "127.0.0.1").env("PORT_CHECKER_PORT", "9000");
    let address = "127.0.0.1:9000".parse().expect("an address");
    let _python = network.within(|| Running::start(&mut command, address));
    let server = "--server=127.0.0.1:9000";
    let mut check = network.command(PORT_CHECKER, &["check", "203.0.113.7", "7466", server]);
    let (status, text, _) = output(&mut check);
    assert_eq!(status, Some(3), "it has no route: {text}");
    let said = "could not check port 7466: [Errno 101] Network is unreachable";
    let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flowing.contains(said), "{text}");
    // More ports at once than it has descriptors: it is asked in parts.
    let ports = "20000-20199";
    let listeners = network.within(|| {
        (20_000..20_200).map(|port| TcpListener::bind(("127.0.0.1", port))).collect::<Vec<_>>()
    });
    assert!(listeners.iter().all(Result::is_ok), "free ports");
    let (status, text, _) =
        output(&mut network.command(PORT_CHECKER, &["check", "127.0.0.1", ports, server]));
    assert_eq!(status, Some(0), "{text}");
}
