//! One socket that serves many attempts at the ports of one target.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    os::fd::{AsFd, BorrowedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use port_checker_api::{Challenge, UDP_DATAGRAM_BYTES, UDP_TOKEN_BYTES, UdpAnswer, UdpQuestion};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::{
    ignored::IgnoredDatagrams,
    pending::{Outcome, Pending},
};
use crate::{
    fault::Fault,
    icmp::{self, Returned},
    policy::Target,
    transport::AttemptOutcome,
    verdict::{Step, Verdict, judge},
};

/// The most attempts that share a socket: the kernel's buffer holds the answers to all of them, which take
/// less than 1 KiB each, even if the worker gets no processor meanwhile.
pub(super) const MAX_ATTEMPTS: usize = 256;

/// The size asked for the buffer of datagrams that have arrived, in bytes. The kernel doubles it, and may
/// grant less.
const RECEIVE_BUFFER: usize = MAX_ATTEMPTS * 1024;

/// The most datagrams that are read at once, and the most messages: a tenth of a millisecond or so. Those of strangers
/// may come without end, and the reactor reports what is left.
pub(super) const READ_BATCH: usize = 64;

/// The same where nothing may be left, because an attempt is to be judged: twice as many as there can be answers.
pub(super) const MAX_READS: usize = 2 * MAX_ATTEMPTS;

/// The beginning of a datagram that holds its secret, in bytes.
const MIN_PROOF: usize = 8 + UDP_TOKEN_BYTES;

/// How often the sending of one datagram is begun. A message about an earlier datagram, to any port, makes the
/// kernel refuse the next one; each refusal tells one message.
const MAX_SENDS: usize = 16;

/// A socket whose attempts have all ended is closed.
pub(super) struct ProbeSocket {
    socket: UdpSocket,
    target: Arc<Target>,
    challenge: Arc<Challenge>,
    ignored: Arc<IgnoredDatagrams>,
    pending: Mutex<Pending>,
}

impl ProbeSocket {
    /// Opens a socket with the local address from which the kernel reaches the target. A socket without one
    /// could not tell this machine's own messages from those of others.
    ///
    /// # Errors
    /// The fault of this machine that there is no route, no port, or no descriptor.
    pub(super) fn open(
        target: &Arc<Target>,
        challenge: &Arc<Challenge>,
        ignored: &Arc<IgnoredDatagrams>,
    ) -> Result<Self, Fault> {
        // The route is that of the address, whatever the port.
        let address = target.socket(0);
        let socket = bound(address).map_err(|(operation, source)| Fault::System {
            operation,
            address,
            source,
        })?;
        Ok(Self {
            socket: socket.into(),
            target: Arc::clone(target),
            challenge: Arc::clone(challenge),
            ignored: Arc::clone(ignored),
            pending: Mutex::default(),
        })
    }

    pub(super) fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a datagram with a new secret to the port at `index` of the target, and waits for the answer to it;
    /// returns the key of the attempt.
    ///
    /// # Errors
    /// The fault of this machine: nothing was sent.
    pub(super) fn begin(&self, index: usize) -> Result<usize, Fault> {
        let address = self.target.socket(index);
        let fault = |operation| move |source| Fault::System { operation, address, source };
        let token = random().map_err(fault("get random bytes"))?;
        // Before it is sent: over loopback a message may be there at once.
        let key = self.pending().begin(address.port(), token);
        match self.send(&UdpQuestion { token }.to_bytes(), index) {
            Ok(()) => Ok(key),
            Err(error) => {
                self.pending().forget(key);
                Err(fault("send a datagram")(error))
            }
        }
    }

    fn send(&self, datagram: &[u8; UDP_DATAGRAM_BYTES], index: usize) -> io::Result<()> {
        let address = self.target.socket(index);
        let mut sends = 0;
        loop {
            sends += 1;
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place that sends: to a port of a vetted target"
            )]
            match self.socket.send_to(datagram, address) {
                Ok(_) => return Ok(()),
                Err(error) if sends == MAX_SENDS => return Err(error),
                // The error of an earlier datagram, whose message is in the queue; or this machine's, which
                // comes again.
                Err(_) => self.read_messages(READ_BATCH),
            }
        }
    }

    /// Reads what has arrived, so many datagrams and messages at most.
    pub(super) fn read(&self, most: usize) {
        // One byte more than a good answer has tells one that is too long.
        let mut datagram = [0; UDP_DATAGRAM_BYTES + 1];
        for _ in 0..most {
            match self.socket.recv_from(&mut datagram) {
                Ok((length, from)) => self.read_datagram(&datagram[..length], from),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The error of a message, which is read below.
                Err(_) => {}
            }
        }
        self.read_messages(most);
    }

    fn read_datagram(&self, datagram: &[u8], from: SocketAddr) {
        if from.ip() != self.target.address() {
            return self.ignored.note_foreign();
        }
        let Some(answer) = UdpAnswer::parse(datagram) else { return self.ignored.note_malformed() };
        if !self.pending().answered(from.port(), &answer, &self.challenge) {
            self.ignored.note_unmatched();
        }
    }

    fn read_messages(&self, most: usize) {
        for _ in 0..most {
            match Returned::take(&self.socket) {
                Ok(Some(returned)) => self.read_message(&returned),
                Ok(None) => {}
                Err(_) => return,
            }
        }
    }

    fn read_message(&self, returned: &Returned) {
        let port = returned.sent_to.port();
        let Some(outcome) = self.outcome(returned) else { return };
        // A host need not quote more than the UDP header (RFC 792), and that holds no secret.
        let is_awaited = match UdpQuestion::begins(returned.quoted()) {
            Some(question) => self.pending().returned(port, &question.token, outcome),
            // This machine quotes all of it.
            None if returned.quoted().len() < MIN_PROOF && outcome.is_ok() => {
                self.pending().returned_unproven(port, outcome)
            }
            None => false,
        };
        if !is_awaited {
            self.ignored.note_unmatched();
        }
    }

    /// The meaning of a message; none if it has none for an attempt.
    fn outcome(&self, returned: &Returned) -> Option<Outcome> {
        let (report, address) = (returned.report, returned.sent_to);
        let error = io::Error::from_raw_os_error(returned.errno);
        if report.is_of_this_machine(&SockRef::from(&self.socket), address) {
            let step = Step::Prepare("get past its own firewall or gateway");
            return judge(step, address, error).err().map(Err);
        }
        let reason = judge(Step::Underway, address, error).ok()?;
        let outcome = AttemptOutcome::of(Verdict::NotOpen(reason), Duration::ZERO);
        Some(Ok(AttemptOutcome { icmp: report.icmp(), ..outcome }))
    }

    /// Whether a datagram for the port at `index` would come back to this very socket, as the one local port in
    /// use there.
    pub(super) fn is_own(&self, index: usize) -> bool {
        self.socket.local_addr().is_ok_and(|local| local == self.target.socket(index))
    }
}

impl AsFd for ProbeSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A socket with the local address from which the kernel reaches `address`. An error names the operation that
/// failed.
fn bound(address: SocketAddr) -> Result<Socket, (&'static str, io::Error)> {
    let opened = || open(address).map_err(|error| ("open a socket", error));
    let route = opened()?;
    #[expect(clippy::disallowed_methods, reason = "asks the routing table; sends nothing")]
    route.connect(&address.into()).map_err(|error| ("find a route", error))?;
    let local = route.local_addr().map_err(|error| ("find a route", error))?;
    let mut local = local.as_socket().expect("a socket of a family of the Internet");
    drop(route);
    local.set_port(0);
    let socket = opened()?;
    // Less than was asked for costs answers only when the worker is late.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    icmp::keep(&socket, address);
    socket.bind(&local.into()).map_err(|error| ("take a local port", error))?;
    Ok(socket)
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    Socket::new(Domain::for_address(address), Type::DGRAM.nonblocking(), Some(Protocol::UDP))
}

fn random() -> io::Result<[u8; UDP_TOKEN_BYTES]> {
    let mut bytes = [0; UDP_TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes)
}
