//! Programs of the provider that hold the ports, with the right to watch packets and without.

use std::{
    net::{TcpListener, TcpStream, UdpSocket},
    time::Duration,
};

use port_checker_testbed::skip;
use socket2::{Domain, Socket, Type};

use super::{internet::Internet, surroundings::verify_twice};

#[test]
fn a_program_that_listens_over_ipv4_only() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let provider = internet.data_centre();
    let _checker = internet.serve();
    let _program = provider.within(|| TcpListener::bind("0.0.0.0:7466").expect("a free port"));
    for report in verify_twice(&provider, "7466") {
        let text = report.flowing();
        assert_eq!(report.status, Some(1), "{}", report.text);
        assert!(text.contains("your program does not listen over this address family"), "{text}");
        assert!(text.contains("IPv6: 0 of 1 port reachable."), "{}", report.text);
        assert!(text.contains("IPv4: 1 of 1 port reachable."), "{}", report.text);
    }
}

#[test]
fn a_program_that_uses_the_number_over_udp_is_named() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let provider = internet.data_centre();
    let _checker = internet.serve();
    let _program = provider.within(|| UdpSocket::bind("0.0.0.0:51820").expect("a free port"));
    for report in verify_twice(&provider, "51820 --family 4") {
        let text = report.flowing();
        assert!(text.contains("uses the number over UDP, which 51820/udp checks"), "{text}");
        assert!(text.contains(&format!("(process {})", std::process::id())), "{}", report.text);
    }
}

#[test]
fn a_program_that_takes_no_connections() {
    if !skip::is_root() {
        return;
    }
    let internet = Internet::new();
    let provider = internet.data_centre();
    let _checker = internet.serve();
    let _full = provider.within(|| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let address: std::net::SocketAddr = "0.0.0.0:7466".parse().expect("an address");
        socket.bind(&address.into()).expect("a free port");
        socket.listen(0).expect("a bound socket");
        // As many as the kernel completes for it.
        let waiting: Vec<_> = (0..4)
            .map_while(|_| {
                let to = "127.0.0.1:7466".parse().expect("an address");
                #[expect(clippy::disallowed_methods, reason = "a client of the program under test")]
                TcpStream::connect_timeout(&to, Duration::from_millis(300)).ok()
            })
            .collect();
        (socket, waiting)
    });
    let [watched, unwatched] = verify_twice(&provider, "7466 --family 4");
    let came = "The connections came as far as this machine: the router is not the cause";
    assert!(watched.flowing().contains(came), "{}", watched.text);
    let restart = "If the port stays silent then, look at the firewalls and the router.";
    assert!(unwatched.flowing().contains(restart), "{}", unwatched.text);
    for report in [watched, unwatched] {
        assert_eq!(report.status, Some(1), "{}", report.text);
        let hangs = "the program does not take connections";
        assert!(report.flowing().contains(hangs), "{}", report.text);
    }
}
