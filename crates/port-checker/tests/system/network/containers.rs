//! A container behind the bridge of its host.

use std::process::Command;

use port_checker_testbed::{namespace::Namespace, skip};

use crate::program::{PORT_CHECKER, configure};

use super::internet::{CHECKER, Internet, Report, attach, forward, machine, masquerading_router};

/// Marks what runs as a container of Podman, in a view of the file system that is its own.
const MARKED: &str = "mount -t tmpfs none /run && : > /run/.containerenv && exec \"$@\"";

/// The command in a container, by root with the right to watch packets, or without it.
fn verify(container: &Namespace, arguments: &str, watches: bool) -> Report {
    let mut command: Command = container.command("sh", &["-c", MARKED, "sh"]);
    if !watches {
        command.args(["setpriv", "--inh-caps=-net_raw", "--bounding-set=-net_raw", "--"]);
    }
    command.args([PORT_CHECKER, "verify"]).args(arguments.split_whitespace());
    configure(&mut command, &[]);
    Report::run(&mut command)
}

#[test]
fn a_container_whose_host_publishes_no_port() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let (host, container) = (masquerading_router(), machine());
    attach(&host, &["203.0.113.9/24"], &internet.backbone, &["203.0.113.254/24"]);
    attach(&container, &["10.88.0.2/16"], &host, &["10.88.0.1/16"]);
    let _checker = internet.serve();
    let arguments = format!("7466 --no-router --server {CHECKER}");
    for watches in [true, false] {
        let report = verify(&container, &arguments, watches);
        let text = report.flowing();
        assert_eq!(report.status, Some(1), "{}", report.text);
        assert!(text.contains("This is likely a container behind a bridge"), "{}", report.text);
        assert!(text.contains("-p of docker run"), "{}", report.text);
        assert!(text.contains("Likely the host of this container does not publish"), "{text}");
        assert!(!text.contains("Let the router forward"), "{}", report.text);
    }
    let unmarked = Report::of(&container, &format!("verify {arguments}"));
    assert_eq!(unmarked.flowing().contains("container"), is_marked(), "{}", unmarked.text);

    forward(&host, "203.0.113.9", "7466", "10.88.0.2");
    let report = verify(&container, &arguments, true);
    assert_eq!(report.status, Some(0), "what the advice says helps: {}", report.text);
}

/// Whether the tests run in a container themselves.
fn is_marked() -> bool {
    ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| std::path::Path::new(mark).exists())
}
