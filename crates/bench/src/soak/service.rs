//! The service under attack: the real program, with the descriptors of a usual process.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command},
};

use port_checker_server::{Bounds, OpenFiles};
use port_checker_testbed::namespace::Namespace;

use crate::service::{program, status_of};

/// Where the service listens, in a namespace that it has to itself.
pub(crate) const ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 19, 0, 1);
const PORT: u16 = 9000;

/// The page that may have its visitors' ports checked.
pub(super) const ADMITTED_ORIGIN: &str = "https://checker.example";

/// The soft limit that most systems start programs with, for each part a small one.
const DESCRIPTORS: u64 = 1024;

/// What the service may take at most with so many descriptors, in bytes: the sum that
/// `docs/operating.md` explains under "Sizing".
pub(crate) fn documented_memory() -> u64 {
    let files = OpenFiles::of(DESCRIPTORS);
    let probes = files.probes();
    let bounds = Bounds { connections: files.clients_beside(probes), ..Bounds::default() };
    bounds.max_memory(probes, std::thread::available_parallelism().map_or(1, usize::from))
}

/// The running program; it is killed when dropped.
pub(crate) struct Attacked {
    child: Child,
    log: PathBuf,
}

impl Attacked {
    /// Starts it in `machine`, with its default settings but for those that let the addresses of the test
    /// be checked. `roots` is the file with the trust roots; the log goes into `directory`.
    pub(super) fn start(
        machine: &Namespace,
        proxy: Ipv4Addr,
        roots: &Path,
        directory: &Path,
    ) -> anyhow::Result<Self> {
        let log = directory.join("log");
        let program = program();
        let program = program.to_str().ok_or_else(|| anyhow::anyhow!("a path in UTF-8"))?;
        let limit = format!("--nofile={DESCRIPTORS}:{DESCRIPTORS}");
        let mut command = machine.command("prlimit", &[&limit, program, "serve"]);
        forget_settings(&mut command);
        command
            .env("PORT_CHECKER_HOST", ADDRESS.to_string())
            .env("PORT_CHECKER_PORT", PORT.to_string())
            .env("PORT_CHECKER_ALLOWED_TARGETS", "198.18.0.0/16")
            .env("PORT_CHECKER_TRUSTED_PROXIES", proxy.to_string())
            .env("PORT_CHECKER_CORS_ORIGINS", ADMITTED_ORIGIN)
            .env("SSL_CERT_FILE", roots)
            .stdout(File::create(&log)?);
        Ok(Self { child: command.spawn()?, log })
    }

    pub(crate) const fn address() -> SocketAddr {
        SocketAddr::new(std::net::IpAddr::V4(ADDRESS), PORT)
    }

    /// Resident memory now, in bytes.
    pub(crate) fn resident(&self) -> f64 {
        status_of(self.child.id(), "VmRSS:")
    }

    /// The most memory that was ever resident, in bytes.
    pub(crate) fn peak(&self) -> f64 {
        status_of(self.child.id(), "VmHWM:")
    }

    /// Whether it has not ended: then it has memory.
    pub(crate) fn goes_on(&self) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        status.is_ok_and(|status| status.contains("VmRSS:"))
    }

    /// How many lines and bytes it has logged.
    pub(crate) fn logged(&self) -> std::io::Result<(u64, u64)> {
        let log = fs::read(&self.log)?;
        let lines = log.iter().filter(|&&byte| byte == b'\n').count();
        Ok((lines as u64, log.len() as u64))
    }
}

impl Drop for Attacked {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lets no setting of the caller's shell reach the service.
fn forget_settings(command: &mut Command) {
    for (name, _) in std::env::vars() {
        if name.starts_with("PORT_CHECK") || name == "GOLEM_ENVIRONMENT" {
            command.env_remove(name);
        }
    }
}
