//! The service that is measured.

use std::{fs, net::SocketAddr, path::PathBuf, process::Command};

use port_checker_testbed::process::Service;

/// More than any round asks for: the limits are computed and never refuse.
pub(crate) const GENEROUS: &str = "1000000";

/// Settings that let the service do whatever is asked.
pub(crate) const UNLIMITED: [(&str, &str); 2] =
    [("PORT_CHECKER_RATE_PER_MINUTE", "0"), ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "0")];

/// The program that lies beside this one.
fn program() -> PathBuf {
    let this = std::env::current_exe().expect("a running program has a path");
    this.with_file_name("port-checker")
}

/// Starts the service: every setting has its default but those that limit what may be asked, the
/// one attempt that nmap makes too, and `settings`.
pub(crate) fn start(settings: &[(&str, &str)]) -> Service {
    Service::start(&mut command(settings))
}

/// A command that serves on `address`.
pub(crate) fn at(address: SocketAddr) -> Command {
    let mut command = command(&UNLIMITED);
    command.env("PORT_CHECKER_PORT", address.port().to_string());
    command
}

fn command(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program());
    command
        .arg("serve")
        .env("PORT_CHECKER_HOST", "127.0.0.1")
        .env("PORT_CHECKER_PORT", "0")
        .env("PORT_CHECKER_ALLOW_LOCAL_IPS", "true")
        .env("PORT_CHECK_MAX_PORTS", "65535")
        .env("PORT_CHECK_RETRIES", "1")
        .env("PORT_CHECKER_RATE_BURST", GENEROUS)
        .env("PORT_CHECKER_TARGET_RATE_BURST", GENEROUS)
        .envs(settings.iter().copied());
    command
}

/// Resident memory now, in bytes.
pub(crate) fn resident(service: &Service) -> f64 {
    status(service, "VmRSS:")
}

/// The most memory that was resident since [`forget_peak`], in bytes.
pub(crate) fn peak(service: &Service) -> f64 {
    status(service, "VmHWM:")
}

/// Counts the peak from now on (proc(5), `clear_refs`).
pub(crate) fn forget_peak(service: &Service) {
    fs::write(format!("/proc/{}/clear_refs", service.pid()), "5").expect("the process is ours");
}

fn status(service: &Service, field: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{}/status", service.pid())).expect("it runs");
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.split_whitespace().next());
    value.and_then(|kib| kib.parse::<f64>().ok()).expect("a number of KiB") * 1024.0
}

/// Processor time used so far, in ticks of a hundredth of a second (proc(5), `stat`).
pub(crate) fn processor_ticks(service: &Service) -> f64 {
    let text = fs::read_to_string(format!("/proc/{}/stat", service.pid())).expect("it runs");
    let after_name = text.rsplit(')').next().expect("the name is in parentheses");
    let field = |index| {
        let value: Option<f64> = after_name.split_whitespace().nth(index)?.parse().ok();
        value
    };
    // utime and stime are fields 14 and 15; the name is the second.
    field(11).zip(field(12)).map(|(user, system)| user + system).expect("two numbers")
}
