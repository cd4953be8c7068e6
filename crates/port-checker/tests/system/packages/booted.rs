//! A Debian that runs: booted with systemd as its first process, in a container without a network.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use port_checker_testbed::{process::wait_until, skip};

use super::{done, machine::Machine};

/// Boots the system in `$1`, within a control group of the name `$2` in each hierarchy that systemd uses, so that
/// machines side by side do not share one. systemd-nspawn writes into /run/systemd, so it gets another one.
const BOOT: &str = r#"
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
    [ -e "$hierarchy/cgroup.procs" ] || continue
    mkdir "$hierarchy/$2" && echo $$ >"$hierarchy/$2/cgroup.procs"
done
mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec systemd-nspawn --quiet --register=no --keep-unit --private-network --console=passive --boot -D "$1"
"#;

/// Removes the control groups of that name.
const FORGET: &str = r#"
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
    [ -d "$hierarchy/$1" ] && find "$hierarchy/$1" -depth -type d -exec rmdir {} +
done
"#;

/// Tells machines of this process apart.
static BOOTED: AtomicU32 = AtomicU32::new(0);

/// A running machine. It is gone when dropped.
pub(super) struct Booted {
    nspawn: Child,
    /// Its systemd, by the number that the process has outside.
    init: Option<u32>,
    control_group: String,
    machine: Machine,
}

impl Booted {
    /// A Debian before it is booted, with these packages in its root directory; says what is missing.
    pub(super) fn prepared(packages: &[&Path]) -> Option<Machine> {
        let Some(debian) = env::var_os("DEBIAN_ROOT").map(PathBuf::from) else {
            skip::missing("DEBIAN_ROOT, the files of a Debian; see scripts/test");
            return None;
        };
        if !(skip::is_root() && skip::has("systemd-nspawn", "--version")) {
            return None;
        }
        let machine = Machine::with_files_of(&debian);
        for package in packages {
            let name = package.file_name().expect("a file");
            fs::copy(package, machine.path("").join(name)).expect("room for the package");
        }
        Some(machine)
    }

    /// Boots it, and waits until everything is started that starts by itself.
    pub(super) fn boot(machine: Machine) -> Self {
        let number = BOOTED.fetch_add(1, Ordering::Relaxed);
        let control_group = format!("port-checker-test-{}-{number}", std::process::id());
        // It must not outlive a test that is killed.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private"]);
        command.args(["sh", "-ec", BOOT, "boot"]);
        command.arg(machine.path("")).arg(&control_group);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let nspawn = command.spawn().expect("unshare starts");
        let mut booted = Self { nspawn, init: None, control_group, machine };
        wait_until("the machine has a first process", || {
            assert!(matches!(booted.nspawn.try_wait(), Ok(None)), "systemd-nspawn ended");
            booted.init = first_process(booted.nspawn.id());
            booted.init.is_some()
        });
        wait_until("the machine is booted", || {
            let output = booted.output("systemctl is-system-running --wait");
            let state = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(!state.starts_with("degraded"), "{}", booted.run("systemctl --failed"));
            output.status.success()
        });
        booted
    }

    /// Runs a script there.
    pub(super) fn output(&self, script: &str) -> Output {
        let init = self.init.expect("it is booted").to_string();
        let mut command = Command::new("nsenter");
        command.args(["--target", &init, "--all", "--", "env", "-i"]);
        command.arg("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin");
        command.args(["DEBIAN_FRONTEND=noninteractive", "sh", "-ec", script]);
        command.stdin(Stdio::null()).output().expect("nsenter starts")
    }

    /// Runs a script there that must succeed; returns what it printed.
    pub(super) fn run(&self, script: &str) -> String {
        let output = self.output(script);
        assert!(output.status.success(), "{script}: {output:?}\n{}", self.log());
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// A property of the service, as systemd shows it.
    pub(super) fn service(&self, property: &str) -> String {
        self.run(&format!("systemctl show --value --property {property} golem-port-checker"))
    }

    /// Waits until a property of the service has this value.
    pub(super) fn wait_for(&self, property: &str, value: &str) {
        wait_until(&format!("{property} of the service is {value}"), || {
            self.service(property) == value
        });
    }

    /// The log of the service.
    pub(super) fn log(&self) -> String {
        let output = self.output("journalctl --unit golem-port-checker --output cat --no-pager");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Gives its loopback interface an address.
    pub(super) fn add_address(&self, address: &str) {
        let init = self.init.expect("it is booted").to_string();
        let mut command = Command::new("nsenter");
        command.args(["--target", &init, "--net", "ip", "address", "add", address, "dev", "lo"]);
        done(&mut command);
    }

    /// A file of it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.machine.path(name)
    }
}

/// The child of systemd-nspawn that is the first process of its namespace, once it is systemd.
fn first_process(nspawn: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{nspawn}/task/{nspawn}/children")).ok()?;
    children.split_whitespace().filter_map(|child| child.parse().ok()).find(|child: &u32| {
        let status = fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
        let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        status.starts_with("Name:\tsystemd\n")
            && numbers
                .is_some_and(|numbers| numbers.split_whitespace().eq([&*child.to_string(), "1"]))
    })
}

impl Drop for Booted {
    fn drop(&mut self) {
        // All others of its namespace end with the first process, and so does systemd-nspawn.
        let first = self.init.unwrap_or(self.nspawn.id()).to_string();
        let _ = Command::new("kill").args(["-s", "KILL", &first]).status();
        let _ = self.nspawn.wait();
        let _ = Command::new("sh").args(["-c", FORGET, "forget", &self.control_group]).status();
    }
}
