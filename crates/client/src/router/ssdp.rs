//! Finds the router's description. Own code, as `igd-next` asks whichever host answers, parses its XML
//! by recursion, and cannot ask for the mapping of one port.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use url::{Host, Url};

use super::facts::RouterFailureCause;

/// The port of SSDP.
const PORT: u16 = 1900;

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 255, 250);

/// Bytes of the longest answer that is read: one packet.
const MAX_ANSWER_BYTES: usize = 1500;

/// Headers of an answer; UPnP's have about ten.
const MAX_HEADERS: usize = 32;

/// Answers that are looked at, of all hosts together: a flood ends the search.
const MAX_ANSWERS: usize = 4096;

const SEARCH: &str = "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n\
    MX: 1\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n";

/// Where the gateway says its description is, on the gateway itself. Answers of other hosts are ignored.
/// Waits for as long as the caller lets it.
pub(super) async fn find(gateway: Ipv4Addr, from: Ipv4Addr) -> Result<Url, RouterFailureCause> {
    let socket = socket(from).map_err(|_| RouterFailureCause::NoRoute)?;
    // A stateful firewall of this machine lets the answer to the first in; some routers only answer
    // the second.
    #[expect(clippy::disallowed_methods, reason = "the gateway, and the group of the link")]
    let to_gateway = socket.send_to(SEARCH.as_bytes(), (gateway, PORT)).await;
    #[expect(clippy::disallowed_methods, reason = "the gateway, and the group of the link")]
    let to_group = socket.send_to(SEARCH.as_bytes(), (GROUP, PORT)).await;
    to_gateway.or(to_group).map_err(|_| RouterFailureCause::NoRoute)?;
    let mut answer = [0; MAX_ANSWER_BYTES];
    for _ in 0..MAX_ANSWERS {
        // An error is ICMP's word that one of the two did not arrive.
        let Ok((length, peer)) = socket.recv_from(&mut answer).await else { continue };
        if peer.ip() != IpAddr::V4(gateway) {
            continue;
        }
        if let Some(location) = location(&answer[..length]) {
            return on_gateway(gateway, location);
        }
    }
    Err(RouterFailureCause::NoAnswer)
}

fn socket(from: Ipv4Addr) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    // So it needs no route for the group.
    socket.set_multicast_if_v4(&from)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket.into())
}

fn location(answer: &[u8]) -> Option<Url> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    response.parse(answer).ok()?;
    let mut headers = response.headers.iter();
    let header = headers.find(|header| header.name.eq_ignore_ascii_case("location"))?;
    std::str::from_utf8(header.value).ok()?.trim().parse().ok()
}

/// Lets a URL pass if it leads to the gateway.
pub(super) fn on_gateway(gateway: Ipv4Addr, url: Url) -> Result<Url, RouterFailureCause> {
    let plain = url.scheme() == "http" && url.username().is_empty() && url.password().is_none();
    match url.host() {
        Some(Host::Ipv4(host)) if plain && host == gateway => Ok(url),
        _ => Err(RouterFailureCause::OtherHost),
    }
}
