//! The network of a soak: the service in one namespace, everybody else in another, which has 65,536
//! addresses. Nothing leaves them.

use std::{
    io::{self, Write},
    net::{Ipv4Addr, TcpStream},
    process::Command,
    time::Duration,
};

use anyhow::ensure;
use port_checker_testbed::{
    certificates::{Authority, Validity, write},
    costly_tls,
    http::{Answer, connect_from, try_read_answer},
    namespace::Namespace,
    process::{Running, wait_until},
    targets::{Conduct, Targets},
};

use super::{costly_chains::CHAINS, service::Attacked};

/// Ports of every address of the world, by what they do. `OPEN` is accepted and closed.
pub(crate) const OPEN: [u16; 4] = [1001, 1002, 1003, 1004];
/// Nothing listens.
pub(crate) const CLOSED: [u16; 4] = [2001, 2002, 2003, 2004];
/// Says [`CHALLENGE`] to everybody.
pub(crate) const GREETING: u16 = 1010;
pub(crate) const CHALLENGE: &str = "0123456789abcdef";
/// Nothing comes back, see [`SILENCE`].
pub(crate) const FIRST_SILENT: u16 = 20_001;
/// A TLS server that proves to be [`TLS_SERVER`].
pub(crate) const TLS: u16 = 4430;
pub(crate) const TLS_SERVER: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 60);
/// The first of the TLS servers that are costly to verify.
pub(crate) const FIRST_COSTLY: u16 = 4500;
/// Connections that each of those takes at most, far more than there are in an hour.
const COSTLY_CONNECTIONS: usize = 1_000_000;

/// The world's end of the cable: a proxy that the service trusts.
pub(crate) const PROXY: Ipv4Addr = Ipv4Addr::new(198, 19, 0, 2);

const SILENCE: &str = "table inet silence { chain input { type filter hook input priority 0; \
                       tcp dport 20001-30000 drop; }; }";

/// How long a client of ours waits for an answer: longer than any that the service may give.
const PATIENCE: Duration = Duration::from_secs(40);

/// How long one write may take: an attack that the service does not read goes on elsewhere.
const WRITING: Duration = Duration::from_secs(15);

/// Both namespaces, and what runs in them.
pub(crate) struct Lab {
    pub(crate) service: Attacked,
    _targets: [Targets; 2],
    _tls: Running,
    pub(crate) world: Namespace,
    _machine: Namespace,
    _directory: tempfile::TempDir,
}

impl Lab {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let (machine, world) = (Namespace::new(), Namespace::new());
        machine.cable(&["198.19.0.1/30"], &world, &["198.19.0.2/30"]);
        machine.ip(&["route", "add", "198.18.0.0/16", "via", "198.19.0.2"]);
        world.ip(&["route", "add", "local", "198.18.0.0/16", "dev", "lo"]);
        // A connection that is not let in is given up after 7 seconds.
        world.sysctl("net.ipv4.tcp_syn_retries=2");
        world.firewall(SILENCE);
        let targets = [
            Targets::listen(&world, OPEN, Conduct::HangUp),
            Targets::listen(&world, [GREETING], Conduct::Say(CHALLENGE)),
        ];
        for (port, (chain, _)) in (FIRST_COSTLY..).zip(CHAINS) {
            costly_tls::serve(&world, port, TLS_SERVER, chain, COSTLY_CONNECTIONS);
        }
        let directory = tempfile::tempdir()?;
        let authority = Authority::new();
        let roots = write(directory.path(), "roots.pem", &authority.pem);
        let mut server = tls_server(&world, &authority, directory.path());
        let tls = Running::launch(server.stderr(std::process::Stdio::null()));
        let service = Attacked::start(&machine, PROXY, &roots, directory.path())?;
        let (_targets, _tls, _machine, _directory) = (targets, tls, machine, directory);
        let lab = Self { service, _targets, _tls, world, _machine, _directory };
        lab.wait_until_ready()?;
        Ok(lab)
    }

    fn wait_until_ready(&self) -> anyhow::Result<()> {
        let ready = || self.world.within(|| connect(TLS_SERVER)).is_ok();
        wait_until("the service listens", || ready() || !self.service.goes_on());
        ensure!(self.service.goes_on(), "the service did not start");
        Ok(())
    }
}

/// Shows a good certificate, to one client after another.
fn tls_server(world: &Namespace, authority: &Authority, directory: &std::path::Path) -> Command {
    let identity = authority.issue(&[&TLS_SERVER.to_string()], Validity::Now);
    let (certificate, key) = identity.write(directory, "server");
    let mut server = world.command("openssl", &["s_server", "-www", "-cert"]);
    server.arg(certificate).arg("-key").arg(key).args(["-accept", &TLS.to_string()]);
    server
}

/// Connects from an address of the world, within it.
pub(crate) fn connect(from: Ipv4Addr) -> io::Result<TcpStream> {
    let stream = connect_from(&from.to_string(), Attacked::address())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(WRITING))?;
    Ok(stream)
}

/// Sends a request on a new connection, and reads the answer.
pub(crate) fn send(from: Ipv4Addr, request: &[u8]) -> io::Result<Answer> {
    let mut stream = connect(from)?;
    stream.write_all(request)?;
    try_read_answer(&mut stream)
}

/// A request without a body, after which the connection goes on.
pub(crate) fn bare(method: &str, path: &str, headers: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nHost: soak\r\n{headers}\r\n").into_bytes()
}

/// A POST of JSON, after which the connection goes on.
pub(crate) fn json(path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let headers =
        format!("Content-Type: application/json\r\nContent-Length: {length}\r\n{headers}");
    [&bare("POST", path, &headers), body.as_bytes()].concat()
}

/// A check of so many ports that never answer, of the caller's own address.
pub(crate) fn silent_check(count: u16) -> String {
    let ports: Vec<u16> = (FIRST_SILENT..FIRST_SILENT + count).collect();
    format!(r#"{{"ports":{ports:?}}}"#)
}
