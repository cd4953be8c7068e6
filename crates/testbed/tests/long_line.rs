//! The long line, measured with real sockets at its ends.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    time::{Duration, Instant},
};

use port_checker_testbed::{
    long_line::{Counts, Directions, Line, LongLine},
    namespace::Namespace,
    process::wait_until,
    skip,
};
use socket2::{Domain, Socket, Type};

const NEAR: [&str; 2] = ["198.51.100.1/24", "2001:db8:1::1/64"];
const FAR: [&str; 2] = ["198.51.100.2/24", "2001:db8:1::2/64"];

/// Both ends of each family.
const FAMILIES: [(&str, &str); 2] =
    [("198.51.100.1:0", "198.51.100.2:0"), ("[2001:db8:1::1]:0", "[2001:db8:1::2]:0")];

/// How much longer than the line's delays a round trip may take on a busy machine, the best of several.
const MARGIN: Duration = Duration::from_millis(60);

const NO_TIME: Duration = Duration::ZERO;

/// Two namespaces and the line between them, which is gone first.
struct Lab {
    line: LongLine,
    near: Namespace,
    far: Namespace,
}

impl Lab {
    fn new(directions: impl Into<Directions>) -> Self {
        let (near, far) = (Namespace::new(), Namespace::new());
        let line = LongLine::between(&near, &NEAR, &far, &FAR, directions);
        Self { line, near, far }
    }

    /// A socket at each end.
    fn ends(&self, (near, far): (&str, &str)) -> (UdpSocket, UdpSocket) {
        let bind = |address: &str| UdpSocket::bind(address).expect("a free port");
        let (near, far) = (self.near.within(|| bind(near)), self.far.within(|| bind(far)));
        for end in [&near, &far] {
            end.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
        }
        #[expect(clippy::disallowed_methods, reason = "between namespaces of the test")]
        let join = |one: &UdpSocket, other: &UdpSocket| one.connect(other.local_addr()?);
        join(&near, &far).and_then(|()| join(&far, &near)).expect("a line between them");
        (near, far)
    }
}

/// The shortest of some round trips.
fn round_trip(near: &UdpSocket, far: &UdpSocket) -> Duration {
    const TIMES: usize = 5;
    let once = |_| {
        let mut byte = [0];
        let began = Instant::now();
        for (from, to) in [(near, far), (far, near)] {
            from.send(&byte).expect("a line between them");
            to.recv(&mut byte).expect("it arrives");
        }
        began.elapsed()
    };
    (0..TIMES).map(once).min().expect("some")
}

#[test]
fn a_round_trip_takes_the_delays_of_both_directions() {
    if !skip::is_root() {
        return;
    }
    let ms = Duration::from_millis;
    let line = |delay, jitter| Line { delay: ms(delay), jitter: ms(jitter), loss: 0.0 };
    let directions = |there, back| Directions { there, back, seed: 1 };
    let cases = [
        (directions(line(0, 0), line(0, 0)), ms(0), ms(0)),
        (directions(line(50, 0), line(50, 0)), ms(100), ms(100)),
        (directions(line(10, 0), line(140, 0)), ms(150), ms(150)),
        (directions(line(20, 40), line(20, 0)), ms(40), ms(80)),
    ];
    for (directions, least, most) in cases {
        let lab = Lab::new(directions);
        for family in FAMILIES {
            let (near, far) = lab.ends(family);
            let took = round_trip(&near, &far);
            assert!((least..most + MARGIN).contains(&took), "{directions:?}: {took:?}");
        }
    }
}

/// Sends datagrams one way; returns how many arrived.
fn arrived(
    lab: &Lab,
    counts: impl Fn(&LongLine) -> Counts,
    from: &UdpSocket,
    to: &UdpSocket,
) -> u64 {
    const BURST: u64 = 200;
    const BURSTS: u64 = 25;
    to.set_nonblocking(true).expect("a socket");
    let total = || {
        let Counts { carried, lost_by_chance, lost_to_bound } = counts(&lab.line);
        carried + lost_by_chance + lost_to_bound
    };
    let mut arrived = 0;
    for _ in 0..BURSTS {
        let before = total();
        for _ in 0..BURST {
            from.send(&[0]).expect("a line between them");
        }
        wait_until("the burst is through", || total() >= before + BURST);
        while to.recv(&mut [0]).is_ok() {
            arrived += 1;
        }
    }
    arrived
}

#[test]
fn each_direction_loses_its_share() {
    if !skip::is_root() {
        return;
    }
    let line = |loss| Line { delay: Duration::from_millis(1), jitter: NO_TIME, loss };
    let lab = Lab::new(Directions { there: line(0.2), back: line(0.0), seed: 7 });
    for family in FAMILIES {
        let (near, far) = lab.ends(family);
        // Of 5,000 at 20 %, the standard deviation is 28.
        let there = arrived(&lab, LongLine::there, &near, &far);
        assert!((3_850..=4_150).contains(&there), "{there} of 5,000");
        assert_eq!(arrived(&lab, LongLine::back, &far, &near), 5_000, "a loss of 0 loses nothing");
    }
    let (there, back) = (lab.line.there(), lab.line.back());
    assert!(there.lost_by_chance > 1_700, "{there:?}");
    assert_eq!((there.lost_to_bound, back.lost_to_bound, back.lost_by_chance), (0, 0, 0));
}

#[test]
fn equal_seeds_lose_equal_packets() {
    if !skip::is_root() {
        return;
    }
    let line = Line { delay: NO_TIME, jitter: NO_TIME, loss: 0.5 };
    let arrived = |seed| {
        let (near, far) = (Namespace::new(), Namespace::new());
        for end in [&near, &far] {
            // Else the kernel sends packets by itself in between.
            end.sysctl("net.ipv6.conf.default.disable_ipv6=1");
        }
        let directions = Directions { there: line, back: line, seed };
        let line = LongLine::between(&near, &NEAR[..1], &far, &FAR[..1], directions);
        let lab = Lab { line, near, far };
        let (near, far) = lab.ends(FAMILIES[0]);
        (arrived(&lab, LongLine::there, &near, &far), arrived(&lab, LongLine::back, &far, &near))
    };
    let one = arrived(1);
    assert_eq!(one, arrived(1));
    assert_ne!(one, arrived(2));
    assert_ne!(one.0, one.1, "the directions differ");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "dials a host in the test's namespace")]
fn it_is_known_which_ports_answered_and_when() {
    const REFUSED: u16 = 1_001;
    if !skip::is_root() {
        return;
    }
    let round_trip = Duration::from_millis(100);
    let lab = Lab::new(Line::with_round_trip(round_trip, 0.0));
    for host in ["198.51.100.2", "2001:db8:1::2"] {
        let began = Instant::now();
        lab.near.within(|| TcpStream::connect((host, REFUSED))).expect_err("nothing listens");
        let answered = lab.line.first_answer(REFUSED).expect("a reset");
        let after = answered.duration_since(began) + Duration::from_millis(1);
        assert!(after >= round_trip && answered <= Instant::now(), "{host}: {after:?}");
        assert_eq!(lab.line.first_answer(REFUSED + 1), None, "{host}");
        lab.line.forget_answers();
        assert_eq!(lab.line.first_answer(REFUSED), None, "{host}");
    }
}

#[test]
fn nothing_is_left_at_the_end() {
    if !skip::is_root() {
        return;
    }
    let Lab { line, near, far } = Lab::new(Line::with_round_trip(NO_TIME, 0.0));
    let devices = |namespace: &Namespace| {
        let devices = namespace.within(|| fs::read_to_string("/proc/thread-self/net/dev")).unwrap();
        let names = devices.lines().filter_map(|line| line.split_once(':'));
        let names = names.map(|(name, _)| name.trim().to_owned());
        names.filter(|name| name.starts_with("line")).collect::<Vec<_>>()
    };
    let name = devices(&near).pop().unwrap();
    assert_eq!(devices(&far), std::slice::from_ref(&name));
    let threads = || {
        let names = fs::read_dir("/proc/self/task")
            .unwrap()
            .filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
        names.filter(|comm| comm.trim() == name).count()
    };
    wait_until("both have their names", || threads() == 2);
    drop(line);
    wait_until("both are gone", || threads() == 0);
    // A process that another test is just starting has their descriptors until it runs its program.
    let none = || devices(&near).is_empty() && devices(&far).is_empty();
    wait_until("both devices are gone", none);
}

/// A line whose namespace is gone before it ends all the same.
#[test]
fn a_line_outlives_its_namespaces() {
    if !skip::is_root() {
        return;
    }
    let Lab { line, near, far } = Lab::new(Line::with_round_trip(NO_TIME, 0.0));
    drop((near, far));
    drop(line);
}

/// A caller behind a router that translates addresses, with the long line before it.
#[test]
#[expect(clippy::disallowed_methods, reason = "dials a listener in the test's namespace")]
fn a_translating_router_in_between() {
    if !skip::is_root() {
        return;
    }
    let (router, caller) = (Namespace::new(), Namespace::new());
    router.become_translating_router();
    caller.cable(&["192.168.1.10/24"], &router, &["192.168.1.1/24"]);
    caller.ip(&["route", "add", "default", "via", "192.168.1.1"]);
    let far = Namespace::new();
    let line = Line::with_round_trip(Duration::from_millis(100), 0.0);
    let _line = LongLine::between(&router, &NEAR, &far, &FAR, line);
    let listener = far.within(|| TcpListener::bind("198.51.100.2:0").unwrap());
    let address = listener.local_addr().unwrap();
    let began = Instant::now();
    let _caller = caller.within(|| TcpStream::connect(address)).unwrap();
    assert!(began.elapsed() >= Duration::from_millis(100));
    let (_, seen) = listener.accept().unwrap();
    assert_eq!(seen.ip().to_string(), "198.51.100.1", "it looks like the router");
}

/// All connections at once, established over the line; none of their packets is lost to its bounds.
#[test]
#[expect(clippy::disallowed_methods, reason = "dials a listener in the test's namespace")]
fn thousands_of_connections_at_once() {
    const CONNECTIONS: usize = 5_000;
    if !skip::is_root() {
        return;
    }
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let lab = Lab::new(Line::with_round_trip(Duration::from_millis(100), 0.0));
    let listener = lab.far.within(|| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&"198.51.100.2:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        socket
    });
    lab.far.sysctl("net.core.somaxconn=65535");
    listener.listen(65_535).unwrap();
    let address = listener.local_addr().unwrap();
    let began = Instant::now();
    let sockets: Vec<Socket> = lab.near.within(|| {
        let connect = |_| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None).unwrap();
            let _ = socket.connect(&address);
            socket
        };
        (0..CONNECTIONS).map(connect).collect()
    });
    wait_until("all are established", || sockets.iter().all(|socket| socket.peer_addr().is_ok()));
    println!("{CONNECTIONS} connections in {:?}", began.elapsed());
    assert_eq!((lab.line.there().lost_to_bound, lab.line.back().lost_to_bound), (0, 0));
}
