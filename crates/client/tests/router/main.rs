//! Answers of a real router, `miniupnpd`, and of hostile neighbours.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket},
    thread,
    time::{Duration, Instant},
};

use port_checker_client::router::{
    MappingEntry, MappingProtocol, MappingTransport, ROUTER_TIMEOUT, RouterFacts, RouterFailure,
    RouterFailureCause, ask_router,
};
use port_checker_testbed::{namespace::Namespace, process::wait_until, router::Miniupnpd, skip};

const INSIDE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
/// Truly public, within a namespace that nothing leaves: miniupnpd wants no other.
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(8, 8, 4, 4);

/// Time for a busy machine to notice that the time is up.
const SLACK: Duration = Duration::from_secs(2);

struct Home {
    provider: Namespace,
    router: Namespace,
    _internet: Namespace,
}

impl Home {
    fn new() -> Self {
        let (provider, router, internet) = (Namespace::new(), Namespace::new(), Namespace::new());
        provider.cable(&["192.168.1.10/24"], &router, &["192.168.1.1/24"]);
        router.cable(&["8.8.4.4/24"], &internet, &["8.8.4.5/24"]);
        provider.ip(&["route", "add", "default", "via", "192.168.1.1"]);
        router.become_router();
        Self { provider, router, _internet: internet }
    }

    fn ask(&self, ports: &[(u16, MappingTransport)]) -> RouterFacts {
        self.ask_gateway(INSIDE.into(), ports)
    }

    fn ask_gateway(&self, gateway: IpAddr, ports: &[(u16, MappingTransport)]) -> RouterFacts {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
        self.provider.within(|| runtime().expect("a runtime").block_on(ask_router(gateway, ports)))
    }

    /// Asks until the router has started.
    fn ask_started(&self, ports: &[(u16, MappingTransport)]) -> RouterFacts {
        let mut facts = None;
        wait_until("the router answers", || {
            let told = self.ask(ports);
            let answers = !told.answered.is_empty();
            facts = Some(told);
            answers
        });
        facts.expect("just waited for")
    }
}

#[test]
fn each_protocol_alone_tells_the_address() {
    if !skip::is_root() {
        return;
    }
    let cases = [
        ("enable_natpmp=yes\nenable_upnp=no", MappingProtocol::NatPmp),
        ("enable_natpmp=no\nenable_upnp=yes", MappingProtocol::UpnpIgd),
    ];
    for (options, protocol) in cases {
        let home = Home::new();
        let Some(_router) = Miniupnpd::start(&home.router, INSIDE, OUTSIDE, options) else {
            return;
        };
        let facts = home.ask_started(&[]);
        assert_eq!(facts.answered, [protocol], "{facts:?}");
        assert_eq!(facts.wan_address, Some(OUTSIDE.into()), "{facts:?}");
    }
}

#[test]
fn a_mapping_to_another_machine_is_seen() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    let options = "enable_natpmp=yes\nenable_upnp=yes";
    let Some(_router) = Miniupnpd::start(&home.router, INSIDE, OUTSIDE, options) else { return };
    home.ask_started(&[]);
    // The neighbour asks over NAT-PMP, which maps to the host that asks.
    home.provider.ip(&["address", "add", "192.168.1.20/24", "dev", &device(&home.provider)]);
    home.provider.within(|| {
        let socket = UdpSocket::bind("192.168.1.20:0").unwrap();
        socket.set_read_timeout(Some(SLACK)).unwrap();
        // RFC 6886, section 3.3: TCP, port 7466, to be called 7466, for 600 seconds.
        let request = [0, 2, 0, 0, 0x1d, 0x2a, 0x1d, 0x2a, 0, 0, 2, 0x58];
        #[expect(clippy::disallowed_methods, reason = "the router of this test")]
        socket.send_to(&request, (INSIDE, 5351)).unwrap();
        let mut answer = [0; 16];
        socket.recv(&mut answer).unwrap();
        assert_eq!(answer[..4], [0, 130, 0, 0], "mapped");
    });
    let facts = home.ask(&[(7466, MappingTransport::Tcp), (7466, MappingTransport::Udp)]);
    let MappingEntry::Mapped { to, enabled: true, .. } = &facts.ports[0].entry else {
        panic!("{facts:?}");
    };
    assert_eq!(*to, "192.168.1.20:7466".parse().unwrap());
    assert_eq!(facts.ports[1].entry, MappingEntry::NotMapped, "{facts:?}");
}

fn device(namespace: &Namespace) -> String {
    let output = namespace.command("ip", &["-o", "route", "show", "default"]).output().expect("ip");
    let text = String::from_utf8(output.stdout).expect("text");
    text.split_whitespace().skip_while(|&word| word != "dev").nth(1).expect("a route").to_owned()
}

#[test]
fn no_protocol_at_all_is_known_in_time() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    home.router.firewall(
        "table inet silent {\n chain input { type filter hook input priority 0; policy drop; }\n}\n",
    );
    // There, not there, and reached by no route.
    for gateway in ["192.168.1.1", "192.168.1.77", "2001:db8::1"] {
        let begun = Instant::now();
        let facts = home.ask_gateway(gateway.parse().unwrap(), &[(7466, MappingTransport::Tcp)]);
        assert!(begun.elapsed() < ROUTER_TIMEOUT + SLACK, "{gateway}: {:?}", begun.elapsed());
        assert_eq!(facts.wan_address, None);
        assert_eq!(facts.ports[0].entry, MappingEntry::Unknown);
        let v4 = if gateway.contains('.') { 2 } else { 0 };
        assert_eq!(facts.failures.len(), v4, "{gateway}: {facts:?}");
    }
}

#[test]
fn nothing_but_the_gateway_is_asked() {
    if !skip::is_root() {
        return;
    }
    // The gateway names another host: this machine, and its loopback.
    for named in ["192.168.1.10", "127.0.0.1"] {
        let home = Home::new();
        let trap = home.provider.within(|| TcpListener::bind("0.0.0.0:0").unwrap());
        trap.set_nonblocking(true).unwrap();
        let port = trap.local_addr().unwrap().port();
        let location = format!("http://{named}:{port}/");
        ssdp(&home.router, INSIDE, location);
        let facts = home.ask(&[]);
        let causes: Vec<_> = facts.failures.iter().map(|failure| &failure.cause).collect();
        assert!(causes.contains(&&RouterFailureCause::OtherHost), "{facts:?}");
        assert!(trap.accept().is_err(), "{named} was asked");
    }
}

#[test]
fn an_answer_of_another_host_is_not_followed() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    let inside = home.router.interface_with(&INSIDE.to_string());
    home.router.ip(&["address", "add", "192.168.1.2/24", "dev", &inside]);
    let trap = home.router.within(|| TcpListener::bind("0.0.0.0:0").unwrap());
    trap.set_nonblocking(true).unwrap();
    let port = trap.local_addr().unwrap().port();
    ssdp(&home.router, Ipv4Addr::new(192, 168, 1, 2), format!("http://192.168.1.2:{port}/"));
    let facts = home.ask(&[]);
    assert!(facts.answered.is_empty(), "{facts:?}");
    assert!(trap.accept().is_err(), "another host was asked");
}

#[test]
fn a_machine_without_a_route_knows_at_once() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    home.provider.ip(&["address", "flush", "dev", &device(&home.provider), "scope", "global"]);
    let begun = Instant::now();
    let facts = home.ask(&[(7466, MappingTransport::Tcp)]);
    assert!(begun.elapsed() < ROUTER_TIMEOUT, "{:?}", begun.elapsed());
    let no_route = |failure: &RouterFailure| failure.cause == RouterFailureCause::NoRoute;
    assert!(facts.failures.len() == 2 && facts.failures.iter().all(no_route), "{facts:?}");
}

#[test]
fn a_router_without_a_public_address_says_so() {
    if !skip::is_root() {
        return;
    }
    let home = Home::new();
    let outside = home.router.interface_with(&OUTSIDE.to_string());
    home.router.ip(&["address", "flush", "dev", &outside]);
    home.router.ip(&["address", "add", "100.64.0.7/24", "dev", &outside]);
    let carrier = Ipv4Addr::new(100, 64, 0, 7);
    let options = "enable_natpmp=yes\nenable_upnp=yes";
    let Some(_router) = Miniupnpd::start(&home.router, INSIDE, carrier, options) else { return };
    wait_until("the router says that it has no public address", || {
        let facts = home.ask(&[]);
        let causes = facts.failures.iter().map(|failure| &failure.cause);
        facts.wan_address.is_none()
            && causes.filter(|cause| **cause == RouterFailureCause::NoPublicAddress).count() > 0
    });
}

#[test]
fn an_answer_without_end_and_a_redirect_are_malformed_or_refused() {
    if !skip::is_root() {
        return;
    }
    let cases = [
        ("HTTP/1.1 200 OK\r\n\r\n", RouterFailureCause::Malformed),
        (
            "HTTP/1.1 302 Found\r\nlocation: http://192.168.1.10:1/\r\ncontent-length: 0\r\n\r\n",
            RouterFailureCause::Refused(302),
        ),
    ];
    for (head, cause) in cases {
        let home = Home::new();
        let listener = home.router.within(|| TcpListener::bind((INSIDE, 0)).unwrap());
        let location = format!("http://{}/", listener.local_addr().unwrap());
        thread::spawn(move || answer_without_end(&listener, head));
        ssdp(&home.router, INSIDE, location);
        let facts = home.ask(&[]);
        assert!(facts.failures.iter().any(|failure| failure.cause == cause), "{facts:?}");
    }
}

/// Ends when the other side closes.
fn answer_without_end(listener: &TcpListener, head: &str) {
    let (mut stream, _) = listener.accept().expect("a request");
    // Closing with unread data would reset the connection.
    let _ = stream.read(&mut [0; 4096]).expect("a request");
    stream.write_all(head.as_bytes()).expect("a reader");
    while !head.contains("302") && stream.write_all(b"<endless>").is_ok() {}
}

/// Answers the first search that reaches the gateway, from this address, with this location.
fn ssdp(router: &Namespace, from: Ipv4Addr, location: String) {
    let (listening, answering) = router.within(|| {
        let bind = |ip, port| UdpSocket::bind((ip, port)).expect("a free port");
        (bind(INSIDE, 1900), bind(from, 0))
    });
    thread::spawn(move || {
        let (_, peer) = listening.recv_from(&mut [0; 1500]).expect("a search");
        let answer = format!("HTTP/1.1 200 OK\r\nLOCATION: {location}\r\n\r\n");
        #[expect(clippy::disallowed_methods, reason = "an answer within the test's network")]
        answering.send_to(answer.as_bytes(), peer).expect("a route");
        // Kept, so that ICMP says nothing.
        let _ = listening.recv_from(&mut [0; 1500]);
    });
}
