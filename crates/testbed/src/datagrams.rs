//! UDP ports of this machine whose programs answer in a known way.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use port_checker_api::{Port, UdpQuestion};

use crate::ports::{FIRST_UNUSED, take_unused};

/// How soon a program notices that it should end.
const NOTICE_TIME: Duration = Duration::from_millis(50);

/// A UDP port with a program behind it; closed soon after it is dropped.
pub struct Answering {
    address: SocketAddr,
    questions: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
}

/// A UDP port with a program behind it that reads nothing.
pub struct Mute {
    socket: UdpSocket,
}

/// UDP ports that no program has over either family, nor over TCP, below those that the kernel gives out, and each
/// given to one caller in this process. They are not held.
///
/// # Panics
/// When there are not as many.
pub fn unused(count: usize) -> Vec<Port> {
    static NEXT: AtomicU16 = AtomicU16::new(FIRST_UNUSED);
    take_unused(count, &NEXT, |address| {
        UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok()
    })
}

impl Answering {
    /// A program that answers questions with this challenge, as the protocol says.
    pub fn with(ip: IpAddr, challenge: &str) -> Self {
        let challenge = challenge.as_bytes().to_vec();
        Self::by(ip, move |question| vec![question.answered(&challenge)])
    }

    /// A program that sends these datagrams back for each question, one after another.
    pub fn by(
        ip: IpAddr,
        answers: impl FnMut(UdpQuestion) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Self {
        Self::start(ip, None, answers)
    }

    /// The same, with answers that come from another port, of the address `from`.
    pub fn from_elsewhere(
        ip: IpAddr,
        from: IpAddr,
        answers: impl FnMut(UdpQuestion) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Self {
        Self::start(ip, Some(from), answers)
    }

    fn start(
        ip: IpAddr,
        from: Option<IpAddr>,
        mut answers: impl FnMut(UdpQuestion) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Self {
        let socket = UdpSocket::bind((ip, 0)).expect("a free port");
        socket.set_read_timeout(Some(NOTICE_TIME)).expect("a time");
        let address = socket.local_addr().expect("a bound socket");
        let sender = match from {
            Some(from) => UdpSocket::bind((from, 0)).expect("a free port"),
            None => socket.try_clone().expect("a descriptor"),
        };
        let (questions, ends) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (counted, ended) = (Arc::clone(&questions), Arc::clone(&ends));
        thread::spawn(move || -> io::Result<()> {
            let mut datagram = [0; 2048];
            while !ended.load(Ordering::Relaxed) {
                let Ok((length, asker)) = socket.recv_from(&mut datagram) else { continue };
                let Some(question) = UdpQuestion::parse(&datagram[..length]) else { continue };
                counted.fetch_add(1, Ordering::Relaxed);
                for answer in answers(question) {
                    #[expect(clippy::disallowed_methods, reason = "answers who asked")]
                    sender.send_to(&answer, asker)?;
                }
            }
            Ok(())
        });
        Self { address, questions, ends }
    }

    /// Its port.
    ///
    /// # Panics
    /// Never: a bound socket has a port.
    pub fn port(&self) -> Port {
        Port::new(self.address.port()).expect("a bound socket has a port")
    }

    /// How many questions it has got.
    pub fn questions(&self) -> usize {
        self.questions.load(Ordering::Relaxed)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
    }
}

impl Mute {
    /// Takes a free port of `ip`.
    ///
    /// # Panics
    /// When there is none.
    pub fn on(ip: IpAddr) -> Self {
        Self { socket: UdpSocket::bind((ip, 0)).expect("a free port") }
    }

    /// Its port.
    ///
    /// # Panics
    /// Never: a bound socket has a port.
    pub fn port(&self) -> Port {
        let address = self.socket.local_addr().expect("a bound socket");
        Port::new(address.port()).expect("a bound socket has a port")
    }

    /// The next datagram it has got, and its sender.
    ///
    /// # Panics
    /// When none comes within 5 seconds.
    pub fn read(&self) -> (Vec<u8>, SocketAddr) {
        self.read_within(Duration::from_secs(5)).expect("a datagram")
    }

    /// The next datagram and its sender, if one comes within this time.
    ///
    /// # Panics
    /// When the time is zero.
    pub fn read_within(&self, time: Duration) -> Option<(Vec<u8>, SocketAddr)> {
        self.socket.set_read_timeout(Some(time)).expect("a time");
        let mut datagram = [0; 2048];
        let (length, from) = self.socket.recv_from(&mut datagram).ok()?;
        Some((datagram[..length].to_vec(), from))
    }

    /// Sends a datagram from its port.
    ///
    /// # Panics
    /// When the system does not let it.
    pub fn send(&self, datagram: &[u8], to: SocketAddr) {
        #[expect(clippy::disallowed_methods, reason = "answers who asked")]
        self.socket.send_to(datagram, to).expect("it is sent");
    }
}
