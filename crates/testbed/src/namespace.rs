//! Network namespaces of the tests' own: a loopback interface, and nothing else to reach.

use std::{
    fs::{self, File},
    io::Write,
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Address translation as by home routers: every host inside looks like the router itself.
const MASQUERADE: &str = "
table ip hides {
    chain postrouting {
        type nat hook postrouting priority srcnat
        ip saddr { 10.0.0.0/8, 100.64.0.0/10, 192.168.0.0/16 } \
        ip daddr != { 10.0.0.0/8, 100.64.0.0/10, 192.168.0.0/16 } masquerade
    }
}
";

/// Set for a test that [`Namespace::run_test`] runs again.
const WITHIN: &str = "TEST_RUNS_WITHIN_NAMESPACE";

/// Whether this process is a test that [`Namespace::run_test`] runs again.
pub fn is_within() -> bool {
    std::env::var_os(WITHIN).is_some()
}

/// A network namespace; it is removed when dropped.
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one with its loopback interface up.
    ///
    /// # Panics
    /// When it cannot: see [`skip::is_root`](crate::skip::is_root).
    pub fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let namespace = Self { name: format!("pc-test-{}-{number}", std::process::id()) };
        run(Command::new("ip").args(["netns", "add", &namespace.name]));
        run(&mut namespace.command("ip", &["link", "set", "lo", "up"]));
        // Looking for duplicate addresses takes seconds in which a router finds no neighbour.
        namespace.sysctl("net.ipv6.conf.default.accept_dad=0");
        namespace
    }

    /// A command that will run within.
    pub fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]).args(args);
        command
    }

    /// Runs `work` within, on a new thread: sockets it opens belong to this namespace for
    /// good, and can be used from anywhere.
    ///
    /// # Panics
    /// When `work` does.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let place = File::open(format!("/run/netns/{}", self.name)).expect("the namespace exists");
        let entered = || {
            move_into_link_name_space(place.as_fd(), Some(LinkNameSpaceType::Network))
                .expect("root may enter");
            work()
        };
        thread::scope(|scope| scope.spawn(entered).join().expect("no panic within"))
    }

    /// Runs a test of this program again, as a process within: the tables under `/proc/net` are those of a whole
    /// process, whichever of its threads reads them. `name` is the path of the test in its crate.
    ///
    /// # Panics
    /// When the test fails, or there is none of this name.
    pub fn run_test(&self, name: &str) {
        let program = std::env::current_exe().expect("a running program has a path");
        let program = program.to_str().expect("cargo names it in ASCII");
        let arguments = ["--exact", name, "--nocapture"];
        let output = self.command(program, &arguments).env(WITHIN, "").output().expect("ip");
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("1 passed"), "{name} within a namespace: {text}{errors}");
    }

    /// Lays a cable between two namespaces. Each end gets its addresses, such as `192.0.2.1/24`.
    ///
    /// # Panics
    /// When the system does not let it.
    pub fn cable(&self, addresses: &[&str], other: &Self, other_addresses: &[&str]) {
        static LAID: AtomicU32 = AtomicU32::new(0);
        let number = LAID.fetch_add(1, Ordering::Relaxed);
        let (near, far) = (format!("near{number}"), format!("far{number}"));
        let add = ["link", "add", &near, "netns", &self.name, "type", "veth"];
        run(Command::new("ip").args(add).args(["peer", "name", &far, "netns", &other.name]));
        for (namespace, end, addresses) in [(self, near, addresses), (other, far, other_addresses)]
        {
            for address in addresses {
                namespace.add_address(address, &end);
            }
            namespace.ip(&["link", "set", &end, "up"]);
        }
    }

    /// Writes a file of `/etc` as programs started with [`command`](Self::command) see it, such as
    /// `hosts` or `resolv.conf`.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn etc_file(&self, name: &str, text: &str) {
        let directory = self.etc();
        fs::create_dir_all(&directory).expect("root may write there");
        fs::write(directory.join(name), text).expect("root may write there");
    }

    /// The files that `ip netns exec` lays over `/etc`, see ip-netns(8).
    fn etc(&self) -> PathBuf {
        Path::new("/etc/netns").join(&self.name)
    }

    /// Gives a device an address, such as `192.0.2.1/24`, that can be used at once: one of IPv6 is not looked
    /// for on the link first, not even in the background.
    pub(crate) fn add_address(&self, address: &str, device: &str) {
        let at_once: &[&str] = if address.contains(':') { &["nodad"] } else { &[] };
        self.ip(&[&["address", "add", address, "dev", device], at_once].concat());
    }

    /// The name of the interface that has this address.
    ///
    /// # Panics
    /// When none has.
    pub fn interface_with(&self, address: &str) -> String {
        let output = self.command("ip", &["-o", "address", "show", "to", address]).output();
        let text = String::from_utf8_lossy(&output.expect("ip").stdout).into_owned();
        text.split_whitespace().nth(1).expect("an interface has the address").to_owned()
    }

    /// Runs `ip` within.
    ///
    /// # Panics
    /// When it fails.
    pub fn ip(&self, args: &[&str]) {
        run(&mut self.command("ip", args));
    }

    /// Forwards packets between its cables, and reports every one it cannot deliver.
    ///
    /// # Panics
    /// When the kernel does not let it.
    pub fn become_router(&self) {
        self.sysctl("net.ipv4.ip_forward=1");
        self.sysctl("net.ipv6.conf.all.forwarding=1");
        // The kernel's limits on ICMP errors would make tests depend on their speed.
        self.sysctl("net.ipv4.icmp_ratelimit=0");
        self.sysctl("net.ipv6.icmp.ratelimit=0");
    }

    /// Becomes a router that translates the private addresses behind it (RFC 1918, RFC 6598) to its own.
    ///
    /// # Panics
    /// When the kernel does not let it.
    pub fn become_translating_router(&self) {
        self.become_router();
        self.firewall(MASQUERADE);
    }

    /// How many packets and bytes a counter of a table of the family `inet` has.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn counter(&self, table: &str, name: &str) -> (u64, u64) {
        let list = ["list", "counter", "inet", table, name];
        let output = self.command("nft", &list).output().expect("nft runs");
        let text = String::from_utf8(output.stdout).expect("nft writes text");
        let number = |name: &str| {
            let mut words = text.split_whitespace().skip_while(|word| *word != name);
            words.nth(1).and_then(|number| number.parse().ok()).expect("a number")
        };
        (number("packets"), number("bytes"))
    }

    /// Adds rules in the language of nft(8).
    ///
    /// # Panics
    /// When they are not understood.
    pub fn firewall(&self, rules: &str) {
        let mut nft = self.command("nft", &["-f", "-"]).stdin(Stdio::piped()).spawn().expect("nft");
        nft.stdin.take().expect("a pipe").write_all(rules.as_bytes()).expect("nft reads");
        assert!(nft.wait().is_ok_and(|status| status.success()), "{rules}");
    }

    /// Sets a kernel parameter of this namespace.
    ///
    /// # Panics
    /// When the kernel does not take it.
    pub fn sysctl(&self, setting: &str) {
        run(&mut self.command("sysctl", &["-qw", setting]));
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
        let _ = fs::remove_dir_all(self.etc());
    }
}

fn run(command: &mut Command) {
    let done = command.stdout(Stdio::null()).status();
    assert!(done.as_ref().is_ok_and(|status| status.success()), "{command:?}: {done:?}");
}
