//! The systemd units, judged by systemd.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use port_checker_server::{Bounds, Config, OpenFiles};
use port_checker_testbed::skip;

use crate::program::{PORT_CHECKER, repository};

const SERVICE: &str = "golem-port-checker.service";

const SOCKET: &str = "golem-port-checker.socket";

/// The most exposure that is accepted, in tenths: below 2.0.
const EXPOSURE: &str = "19";

#[test]
fn systemd_finds_nothing_to_complain_about() {
    if !skip::has("systemd-analyze", "--version") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let service = install(directory.path());
    let verify = Command::new("systemd-analyze")
        .arg("verify")
        .args([&service, &directory.path().join(SOCKET)])
        .output()
        .unwrap();
    assert!(verify.status.success(), "{verify:?}");
    assert_eq!(String::from_utf8_lossy(&verify.stderr), "", "verify is silent");
    let security = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager", "--threshold", EXPOSURE])
        .arg(&service)
        .output()
        .unwrap();
    assert!(security.status.success(), "{}", String::from_utf8_lossy(&security.stdout));
}

/// Writes both units, the service with the program under test.
fn install(directory: &Path) -> PathBuf {
    let text = unit(SERVICE);
    let built = text.replace("ExecStart=port-checker ", &format!("ExecStart={PORT_CHECKER} "));
    assert_ne!(built, text, "the unit starts port-checker");
    let service = directory.join(SERVICE);
    fs::write(&service, built).expect("a directory of the test's own");
    fs::write(directory.join(SOCKET), unit(SOCKET)).expect("a directory of the test's own");
    service
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
