//! The systemd units, judged by systemd.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use port_checker_server::{Bounds, Config, OpenFiles};
use port_checker_testbed::{
    ports::unused,
    process::{Running, Service, wait_until},
    skip,
};

use crate::program::{PORT_CHECKER, configure, port_checker, repository};

const SERVICE: &str = "golem-port-checker.service";

const SOCKET: &str = "golem-port-checker.socket";

/// The example of a machine that watches its own ports.
const VERIFY: &str = "deploy/port-checker-verify.service";

/// The most exposure that is accepted, in tenths: below 2.0.
const EXPOSURE: &str = "19";

#[test]
fn systemd_finds_nothing_to_complain_about() {
    if !skip::has("systemd-analyze", "--version") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let service = install(directory.path());
    let other = directory.path().join("port-checker-verify.service");
    fs::write(&other, with_this_program(&unit(VERIFY))).expect("a directory of the test's own");
    let verify = Command::new("systemd-analyze")
        .arg("verify")
        .args([&service, &other, &directory.path().join(SOCKET)])
        .output()
        .unwrap();
    assert!(verify.status.success(), "{verify:?}");
    assert_eq!(String::from_utf8_lossy(&verify.stderr), "", "verify is silent");
    for unit in [service, other] {
        let security = Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager", "--threshold", EXPOSURE])
            .arg(unit)
            .output()
            .unwrap();
        assert!(security.status.success(), "{}", String::from_utf8_lossy(&security.stdout));
    }
}

/// The command of the example, in a shell that splits words as systemd does.
#[test]
fn the_unit_that_verifies_takes_its_ports_and_ends_cleanly() {
    let text = with_this_program(&unit(VERIFY));
    let service = Service::start(&mut port_checker(
        &["serve"],
        &[("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"), ("PORT_CHECK_RETRIES", "1")],
    ));
    let directory = tempfile::tempdir().unwrap();
    let runtime = directory.path().join(value(&text, "RuntimeDirectory"));
    fs::create_dir(&runtime).unwrap();
    let command = value(&text, "ExecStart");
    let command = command.replace("%t", directory.path().to_str().expect("a path in UTF-8"));
    let (every, interval) = value(&text, "Environment").split_once('=').expect("a variable");
    let ports: Vec<String> = unused(2).iter().map(ToString::to_string).collect();
    let mut shell = Command::new("sh");
    configure(shell.args(["-c", &format!("exec {command}")]), &[]);
    shell.env(every, interval).env("PORTS", ports.join(" "));
    shell.env("PORT_CHECKER_SERVER", service.address.to_string());
    let running = Running::launch(&mut shell);
    let result = || fs::read_to_string(runtime.join("verify.prom")).unwrap_or_default();
    wait_until("the file is written", || result().contains("port_checker_verify_status"));
    assert!(result().contains("port_checker_verify_interval_seconds 900"), "{}", result());
    running.signal("TERM");
    let clean: i32 = value(&text, "SuccessExitStatus").parse().unwrap();
    assert_eq!(running.exit_status().code(), Some(clean));
}

/// Writes both units, the service with the program under test.
fn install(directory: &Path) -> PathBuf {
    let service = directory.join(SERVICE);
    fs::write(&service, with_this_program(&unit(SERVICE))).expect("a directory of the test's own");
    fs::write(directory.join(SOCKET), unit(SOCKET)).expect("a directory of the test's own");
    service
}

fn with_this_program(unit: &str) -> String {
    let built = unit.replace("ExecStart=port-checker ", &format!("ExecStart={PORT_CHECKER} "));
    assert_ne!(built, unit, "the unit starts port-checker");
    built
}

fn unit(name: &str) -> String {
    fs::read_to_string(repository(name)).expect("the unit")
}

#[test]
fn the_units_fit_the_defaults_of_the_service() {
    let (service, socket, config) = (unit(SERVICE), unit(SOCKET), Config::default());
    let stop: u64 = value(&service, "TimeoutStopSec").parse().unwrap();
    assert!(stop > (config.deadline + config.bounds.drain_margin).as_secs(), "{stop}");
    assert_eq!(value(&service, "Type"), "notify");
    // A port alone is for both address families.
    assert_eq!(value(&socket, "ListenStream"), config.port.to_string());
}

#[test]
fn the_unit_leaves_as_much_memory_as_the_service_can_take() {
    const GIBI: u64 = 1 << 30;
    let service = unit(SERVICE);
    let files = OpenFiles::of(value(&service, "LimitNOFILE").parse().unwrap());
    let probes = files.probes();
    let bounds = Bounds { connections: files.clients_beside(probes), ..Bounds::default() };
    let most = value(&service, "MemoryMax").strip_suffix('G').unwrap().parse::<u64>().unwrap();
    let sum = bounds.max_memory(probes, 16);
    assert!((most - 1) * GIBI < sum && sum <= most * GIBI, "{} MiB", sum >> 20);
    // The table under "Sizing" in docs/operating.md.
    let documented = fs::read_to_string(repository("docs/operating.md")).unwrap();
    for limit in [64, 1024, 20_000, 1_048_576] {
        let files = OpenFiles::of(limit);
        let probes = files.probes();
        let clients = files.clients_beside(probes);
        let bounds = Bounds { connections: clients, ..Bounds::default() };
        let mebi = bounds.max_memory(probes, 2) >> 20;
        let row = format!("| {limit} | {probes} | {clients} | {mebi} MiB |");
        assert!(documented.contains(&row), "{row}");
    }
}

fn value<'a>(unit: &'a str, name: &str) -> &'a str {
    let value = unit.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {name}"))
}
