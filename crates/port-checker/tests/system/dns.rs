//! A name server that says what a test wants.

use std::{
    net::{IpAddr, UdpSocket},
    thread,
};

use port_checker_testbed::namespace::Namespace;

const A: u16 = 1;
const AAAA: u16 = 28;

/// In octets: the identifier, the flags and four counts (RFC 1035, section 4.1.1).
const HEADER: usize = 12;

/// An answer to a question about a name.
pub(crate) enum Answer {
    /// Every address it has.
    Addresses(&'static [&'static str]),
    /// There is no such name.
    NoSuchName,
    /// The server cannot tell.
    Failure,
    /// The server does not answer.
    Silence,
    /// It knows this address, and cannot tell whether there is one of IPv6.
    OnlyIpv4(&'static str),
}

/// Serves on port 53 of the namespace's loopback, which its resolv.conf(5) then names, for as long as
/// the namespace lasts. `answer` is told the name and how often an address of it was asked before.
pub(crate) fn serve(machine: &Namespace, answer: impl Fn(&str, usize) -> Answer + Send + 'static) {
    machine.etc_file("resolv.conf", "nameserver 127.0.0.1\n");
    let socket = machine.within(|| UdpSocket::bind("127.0.0.1:53").expect("a free port"));
    thread::spawn(move || {
        let mut asked: Vec<String> = Vec::new();
        let mut packet = [0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut packet) {
            let Some((name, kind, end)) = question(&packet[..length]) else { continue };
            let before = asked.iter().filter(|&other| *other == name).count();
            let answer = answer(&name, before);
            if kind == A {
                asked.push(name);
            }
            if let Some(reply) = reply(&packet[..end], kind, &answer) {
                #[expect(clippy::disallowed_methods, reason = "a name server answers its client")]
                let _ = socket.send_to(&reply, peer);
            }
        }
    });
}

/// The name asked about in lower case, which kind of record, and where the question ends.
fn question(packet: &[u8]) -> Option<(String, u16, usize)> {
    let (mut at, mut labels) = (HEADER, Vec::new());
    loop {
        let length = usize::from(*packet.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(packet.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?]);
    Some((labels.join("."), kind, at + 4))
}

fn reply(question: &[u8], kind: u16, answer: &Answer) -> Option<Vec<u8>> {
    let (code, addresses): (u8, &[&str]) = match answer {
        Answer::Addresses(addresses) => (0, addresses),
        Answer::OnlyIpv4(address) if kind == A => (0, std::slice::from_ref(address)),
        Answer::Failure | Answer::OnlyIpv4(_) => (2, &[]),
        Answer::NoSuchName => (3, &[]),
        Answer::Silence => return None,
    };
    let addresses = addresses.iter().map(|text| text.parse().expect("an address"));
    let records: Vec<Vec<u8>> = addresses.filter_map(|ip| record(ip, kind)).collect();
    let mut reply = question.to_vec();
    // A response, with recursion desired and available.
    reply[2..4].copy_from_slice(&[0x81, 0x80 | code]);
    reply[4..HEADER].copy_from_slice(&[0, 1, 0, records.len() as u8, 0, 0, 0, 0]);
    reply.extend(records.concat());
    Some(reply)
}

/// A record for the name asked about, with no time to live.
fn record(ip: IpAddr, kind: u16) -> Option<Vec<u8>> {
    let data = match (ip, kind) {
        (IpAddr::V4(ip), A) => ip.octets().to_vec(),
        (IpAddr::V6(ip), AAAA) => ip.octets().to_vec(),
        _ => return None,
    };
    let mut record = vec![0xc0, HEADER as u8];
    record.extend(kind.to_be_bytes());
    record.extend([0, 1, 0, 0, 0, 0, 0, data.len() as u8]);
    record.extend(data);
    Some(record)
}
