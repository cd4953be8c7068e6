//! The service that is measured.

use std::{fs, net::SocketAddr, path::PathBuf, process::Command};

use port_checker_testbed::process::Service;

/// A processor tick in microseconds.
pub(crate) const TICK_US: f64 = 10_000.0;

/// More than any round asks for: the limits are computed and never refuse.
pub(crate) const GENEROUS: &str = "1000000";

/// Settings that let the service do whatever is asked.
pub(crate) const UNLIMITED: [(&str, &str); 2] =
    [("PORT_CHECKER_RATE_PER_MINUTE", "0"), ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "0")];

/// The program that lies beside this one.
pub(crate) fn program() -> PathBuf {
    let this = std::env::current_exe().expect("a running program has a path");
    this.with_file_name("port-checker")
}

/// Starts the service: every setting has its default but those that limit what may be asked, the
/// one attempt that nmap makes too, no wait for a reset, and `settings`.
pub(crate) fn start(settings: &[(&str, &str)]) -> Service {
    Service::start(&mut command(settings))
}

/// A command that serves on `address`.
pub(crate) fn at(address: SocketAddr) -> Command {
    let mut command = command(&UNLIMITED);
    command.env("PORT_CHECKER_PORT", address.port().to_string());
    command
}

/// The same with a limit on open files that holds from its start.
pub(crate) fn start_limited(descriptors: u64, settings: &[(&str, &str)]) -> Service {
    let mut command = Command::new("prlimit");
    command.arg(format!("--nofile={descriptors}:{descriptors}")).arg(program());
    Service::start(configure(&mut command, settings))
}

fn command(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program());
    configure(&mut command, settings);
    command
}

fn configure<'a>(command: &'a mut Command, settings: &[(&str, &str)]) -> &'a mut Command {
    command
        .arg("serve")
        .env("PORT_CHECKER_HOST", "127.0.0.1")
        .env("PORT_CHECKER_PORT", "0")
        .env("PORT_CHECKER_ALLOW_LOCAL_IPS", "true")
        .env("PORT_CHECK_MAX_PORTS", "65535")
        .env("PORT_CHECK_RETRIES", "1")
        // It is time that passes, and says nothing of what a check costs.
        .env("PORT_CHECK_SETTLE", "0")
        .env("PORT_CHECKER_RATE_BURST", GENEROUS)
        .env("PORT_CHECKER_TARGET_RATE_BURST", GENEROUS)
        .envs(settings.iter().copied())
}

/// Resident memory now, in bytes.
pub(crate) fn resident(service: &Service) -> f64 {
    status_of(service.pid(), "VmRSS:")
}

/// The most memory that was resident since [`forget_peak`], in bytes.
pub(crate) fn peak(service: &Service) -> f64 {
    status_of(service.pid(), "VmHWM:")
}

/// Counts the peak from now on (proc(5), `clear_refs`).
pub(crate) fn forget_peak(service: &Service) {
    fs::write(format!("/proc/{}/clear_refs", service.pid()), "5").expect("the process is ours");
}

/// A size that the kernel tells of a process (proc(5), `status`), in bytes.
pub(crate) fn status_of(pid: u32, field: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.split_whitespace().next());
    value.and_then(|kib| kib.parse::<f64>().ok()).expect("a number of KiB") * 1024.0
}

/// Processor time used so far, in ticks of a hundredth of a second.
pub(crate) fn processor_ticks(service: &Service) -> f64 {
    ticks(&service.pid().to_string(), OWN)
}

/// The same of the process with this id.
pub(crate) fn processor_ticks_of(pid: u32) -> f64 {
    ticks(&pid.to_string(), OWN)
}

/// What this program's children have used until they ended.
pub(crate) fn processor_ticks_of_children() -> f64 {
    ticks("self", CHILDREN)
}

/// User and system time of a process, and of its children (proc_pid_stat(5)): fields 14 to 17 of which
/// the name is the second.
const OWN: [usize; 2] = [11, 12];
const CHILDREN: [usize; 2] = [13, 14];

fn ticks(process: &str, fields: [usize; 2]) -> f64 {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let after_name = text.rsplit(')').next().expect("the name is in parentheses");
    let values: Vec<&str> = after_name.split_whitespace().collect();
    fields.map(|field| values[field].parse::<f64>().expect("a number")).iter().sum()
}
