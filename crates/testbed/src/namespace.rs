//! Network namespaces of the tests' own: a loopback interface, and nothing else to reach.

use std::{
    fs::File,
    os::fd::AsFd,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

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
        namespace
    }

    /// A command that will run within.
    pub fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]).args(args);
        command
    }

    /// Runs `work` within, on a thread of its own: sockets it opens belong to this namespace for
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
    }
}

fn run(command: &mut Command) {
    let done = command.stdout(Stdio::null()).status();
    assert!(done.as_ref().is_ok_and(|status| status.success()), "{command:?}: {done:?}");
}
