//! A real home router: Debian's `miniupnpd` in a namespace.

use std::net::Ipv4Addr;

use tempfile::TempDir;

use crate::{namespace::Namespace, process::Running, skip};

/// The chains it fills.
const CHAINS: &str = "
table inet filter {
    chain forward { type filter hook forward priority 0; policy accept; jump miniupnpd; }
    chain miniupnpd { }
    chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
    chain postrouting { type nat hook postrouting priority 100; jump postrouting_miniupnpd; }
    chain prerouting_miniupnpd { }
    chain postrouting_miniupnpd { }
}
";

/// A running `miniupnpd`; it ends when dropped.
pub struct Miniupnpd {
    _running: Running,
    _directory: TempDir,
}

impl Miniupnpd {
    /// Starts one between two addresses that the namespace has; `options` are lines of its
    /// configuration. It maps ports only if the outside is an address that is truly public. None, with a
    /// message, if the program is missing.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(
        router: &Namespace,
        inside: Ipv4Addr,
        outside: Ipv4Addr,
        options: &str,
    ) -> Option<Self> {
        if !skip::has("miniupnpd", "--version") {
            return None;
        }
        router.firewall(CHAINS);
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("miniupnpd.conf");
        let interface = |address: Ipv4Addr| router.interface_with(&address.to_string());
        let (inside, outside) = (interface(inside), interface(outside));
        let text = format!(
            "ext_ifname={outside}\nlistening_ip={inside}\nsecure_mode=no\n\
             uuid=00000000-0000-0000-0000-000000000001\n{options}\n\
             allow 1024-65535 0.0.0.0/0 1024-65535\ndeny 0-65535 0.0.0.0/0 0-65535\n"
        );
        std::fs::write(&file, text).expect("a file of our own");
        let pid = directory.path().join("pid");
        let (file, pid) = (file.to_string_lossy(), pid.to_string_lossy());
        let mut command = router.command("miniupnpd", &["-d", "-f", &file, "-P", &pid]);
        let running = Running::launch(command.stderr(std::process::Stdio::null()));
        Some(Self { _running: running, _directory: directory })
    }
}
