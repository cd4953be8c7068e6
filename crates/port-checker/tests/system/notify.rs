//! What the service tells the service manager, over a socket like systemd's.

use std::{
    ffi::OsString,
    fs, io,
    net::SocketAddr,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr as UnixAddress, UnixDatagram},
    },
    process::Command,
    time::Duration,
};

use port_checker_testbed::{
    certificates::{Authority, Validity, write},
    http::{begin_check, connect, get, metric, read_answer},
    ports::{Held, LOOPBACK, Listening, Silent},
    process::{Running, Service, wait_until},
};
use rustix::time::{ClockId, clock_gettime};

use crate::program::{PORT_CHECKER, configure, port_checker};

/// How long a message may take to come, far beyond what it needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What systemd asks for with `WatchdogSec=200ms`.
const WATCHDOG: (&str, &str) = ("WATCHDOG_USEC", "200000");

/// Far longer than the time between two pings.
const SILENCE: Duration = Duration::from_secs(2);

/// The service manager's end.
struct Manager {
    socket: UnixDatagram,
    /// `NOTIFY_SOCKET`.
    name: OsString,
}

impl Manager {
    /// At a path, as systemd does it on the host.
    fn at_path(directory: &tempfile::TempDir) -> Self {
        let name = directory.path().join("notify");
        let socket = UnixDatagram::bind(&name).expect("a socket");
        Self::of(socket, name.into())
    }

    /// With an abstract name, as containers do it.
    fn abstractly() -> Self {
        let name = format!("port-checker-test-{}", std::process::id());
        let address = UnixAddress::from_abstract_name(&name).expect("a name");
        let socket = UnixDatagram::bind_addr(&address).expect("a socket");
        Self::of(socket, format!("@{name}").into())
    }

    fn of(socket: UnixDatagram, name: OsString) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).expect("a time");
        Self { socket, name }
    }

    /// `port-checker serve` that tells this manager.
    fn serve(&self, settings: &[(&str, &str)]) -> Command {
        let mut command = port_checker(&["serve"], settings);
        command.env("NOTIFY_SOCKET", &self.name);
        command
    }

    /// The lines of the next message.
    fn next(&self) -> io::Result<Vec<String>> {
        let mut message = [0; 4096];
        let length = self.socket.recv(&mut message)?;
        let text = String::from_utf8_lossy(&message[..length]);
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// The next message with this line.
    fn wait_for(&self, line: &str) -> Vec<String> {
        loop {
            let message = self.next().unwrap_or_else(|error| panic!("no {line}: {error}"));
            if message.iter().any(|said| said == line) {
                return message;
            }
        }
    }

    /// Reads what has come.
    fn catch_up(&self) -> Vec<String> {
        self.socket.set_nonblocking(true).expect("a socket");
        let said = std::iter::from_fn(|| self.next().ok()).flatten().collect();
        self.socket.set_nonblocking(false).expect("a socket");
        said
    }
}

/// What a message says of `name`.
fn value<'a>(message: &'a [String], name: &str) -> &'a str {
    let value = message.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {name} in {message:?}"))
}

/// The address in `STATUS=Listening on …`.
fn listening(message: &[String]) -> SocketAddr {
    let status = value(message, "STATUS").strip_prefix("Listening on ").expect("an address");
    status.split([',', ';']).next().and_then(|text| text.parse().ok()).expect("an address")
}

#[test]
fn it_is_ready_when_its_port_accepts() {
    let directory = tempfile::tempdir().unwrap();
    for manager in [Manager::at_path(&directory), Manager::abstractly()] {
        let _running = Running::launch(&mut manager.serve(&[]));
        let first = manager.next().unwrap();
        assert_eq!(first[0], "READY=1", "{first:?}");
        assert_eq!(get(listening(&first), "/ready").status, 200);
    }
}

#[test]
fn what_cannot_listen_is_never_ready() {
    let directory = tempfile::tempdir().unwrap();
    let manager = Manager::at_path(&directory);
    let taken = Listening::on(LOOPBACK);
    let port = taken.port().to_string();
    let status = manager.serve(&[("PORT_CHECKER_PORT", &port)]).output().unwrap().status;
    assert_eq!(status.code(), Some(1));
    assert_eq!(manager.catch_up(), Vec::<String>::new());
}

#[test]
fn a_manager_that_is_gone_does_not_keep_it_from_serving() {
    let service = Service::start(
        port_checker(&["serve"], &[WATCHDOG]).env("NOTIFY_SOCKET", "/nonexistent/notify"),
    );
    assert_eq!(get(service.address, "/ready").status, 200);
    service.signal("HUP");
    assert_eq!(service.finish().0.code(), Some(0));
}

#[test]
fn a_reload_is_announced_and_its_outcome_told() {
    let directory = tempfile::tempdir().unwrap();
    let manager = Manager::at_path(&directory);
    let identity = Authority::new().issue(&["localhost"], Validity::Now);
    let (certificate, key) = identity.write(directory.path(), "server");
    let settings = [
        ("PORT_CHECKER_TLS_CERT", certificate.to_str().unwrap()),
        ("PORT_CHECKER_TLS_KEY", key.to_str().unwrap()),
    ];
    let service = Service::start(&mut manager.serve(&settings));
    manager.wait_for("READY=1");
    for outcome in ["were read again", "keeping the certificate and key there were"] {
        let before = monotonic();
        service.signal("HUP");
        let reloading = manager.next().unwrap();
        assert_eq!(reloading[0], "RELOADING=1", "{reloading:?}");
        let time: u64 = value(&reloading, "MONOTONIC_USEC").parse().unwrap();
        assert!((before..=monotonic()).contains(&time), "{before} {time}");
        let ready = manager.next().unwrap();
        assert_eq!(ready[0], "READY=1", "{ready:?}");
        assert_eq!(listening(&ready), service.address);
        assert!(value(&ready, "STATUS").contains(outcome), "{ready:?}");
        write(directory.path(), "server.key", "no key");
    }
}

/// Microseconds on the clock that `MONOTONIC_USEC` is about.
fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec * 1_000_000 + now.tv_nsec / 1000).expect("after the start")
}

#[test]
fn the_end_is_announced_with_the_time_it_takes_and_what_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let manager = Manager::at_path(&directory);
    let settings = [
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ("PORT_CHECK_TIMEOUT", "1"),
        ("PORT_CHECK_RETRIES", "1"),
        ("PORT_CHECK_DEADLINE", "60"),
        WATCHDOG,
    ];
    let service = Service::start(&mut manager.serve(&settings));
    let silent = Silent::on(LOOPBACK);
    let mut client = begin_check(service.address, &format!(r#"{{"ports":[{}]}}"#, silent.port()));
    service.signal("TERM");
    let stopping = manager.wait_for("STOPPING=1");
    let time: u64 = value(&stopping, "EXTEND_TIMEOUT_USEC").parse().unwrap();
    assert!(time > 65_000_000, "the deadline, five seconds, and some: {time}");
    manager.wait_for("STATUS=Shutting down; connections left: 1");
    manager.wait_for("WATCHDOG=1");
    service.signal("HUP");
    assert_eq!(read_answer(&mut client).status, 200);
    assert_eq!(service.exit_status().code(), Some(0));
    assert!(!manager.catch_up().contains(&"READY=1".to_owned()), "it is not ready again");
}

#[test]
fn pings_come_while_it_turns_and_only_then() {
    let directory = tempfile::tempdir().unwrap();
    let manager = Manager::at_path(&directory);
    let service = Service::start(&mut manager.serve(&[WATCHDOG]));
    for _ in 0..3 {
        manager.wait_for("WATCHDOG=1");
    }
    service.signal("STOP");
    wait_until("it stands still", || state(service.pid()) == 'T');
    manager.catch_up();
    manager.socket.set_read_timeout(Some(SILENCE)).unwrap();
    assert!(manager.next().is_err(), "a ping of a process that stands still");
    manager.socket.set_read_timeout(Some(PATIENCE)).unwrap();
    service.signal("CONT");
    manager.wait_for("WATCHDOG=1");
}

/// The state of a process in one letter, as proc_pid_stat(5) has it.
fn state(pid: u32) -> char {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is there");
    stat.rsplit(") ").next().and_then(|rest| rest.chars().next()).expect("a state")
}

#[test]
fn there_are_no_pings_where_nobody_wants_them() {
    let directory = tempfile::tempdir().unwrap();
    for meant_for_others in [vec![], vec![WATCHDOG, ("WATCHDOG_PID", "1")]] {
        let manager = Manager::at_path(&directory);
        let service = Service::start(&mut manager.serve(&meant_for_others));
        manager.wait_for("READY=1");
        manager.socket.set_read_timeout(Some(SILENCE)).unwrap();
        assert!(manager.next().is_err(), "{meant_for_others:?}");
        drop(service);
        fs::remove_file(&manager.name).unwrap();
    }
}

/// The connections end in bounded time; a restart would only cut them off.
#[test]
fn pings_go_on_while_there_is_no_room_for_another_connection() {
    const ROOM: usize = 8;
    let directory = tempfile::tempdir().unwrap();
    let manager = Manager::at_path(&directory);
    let mut few_descriptors = Command::new("prlimit");
    few_descriptors.args(["--nofile=64:64", PORT_CHECKER, "serve"]);
    let settings = [
        ("PORT_CHECKER_METRICS_ADDR", "127.0.0.1:0"),
        ("PORT_CHECKER_TRUSTED_PROXIES", "127.0.0.1"),
    ];
    configure(&mut few_descriptors, &settings);
    few_descriptors.env("NOTIFY_SOCKET", &manager.name).envs([WATCHDOG]);
    let service = Service::start(&mut few_descriptors);
    let ready = manager.wait_for("READY=1");
    let metrics = value(&ready, "STATUS").rsplit(' ').next().unwrap().parse().unwrap();
    let _occupants: Vec<_> = (0..ROOM).map(|_| connect(service.address)).collect();
    // Whoever asks for the metrics is connected too.
    let full = (ROOM + 1) as f64;
    wait_until("there is no room", || metric(metrics, "port_checker_connections ") == full);
    manager.catch_up();
    for _ in 0..3 {
        manager.wait_for("WATCHDOG=1");
    }
    assert_eq!(metric(metrics, "port_checker_connections "), full);
}
