//! A TLS 1.2 server by hand, whose certificates are made to cost their verifier as much as possible.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
};

use crate::namespace::Namespace;

/// The longest list of certificates that still fits into the message that a client accepts, in bytes.
const MAX_LIST: usize = 65_000;

/// The certificates that the server shows.
#[derive(Debug, Clone, Copy)]
pub struct Chain {
    /// Authorities that all have the same name and another key, so that every order of them is a chain
    /// that might lead to a trust root.
    pub authorities: u16,
    /// The filling of the rest of the message. A verifier reads it again for every chain that it tries.
    pub filling: Filling,
    /// The length of the certificate's RSA key in bits; none: one of P-256.
    pub rsa_bits: Option<usize>,
    /// How much of a message a record holds, in bytes.
    pub record: usize,
}

impl Default for Chain {
    /// A certificate alone.
    fn default() -> Self {
        Self { authorities: 0, filling: Filling::Nothing, rsa_bits: None, record: 16_000 }
    }
}

/// Parts that cost a verifier much beside the authorities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filling {
    /// Nothing does.
    Nothing,
    /// Small certificates that lead nowhere, as many as fit.
    Certificates,
    /// Small extensions of the authorities, as many as fit.
    Extensions,
    /// Names of the server's own certificate, as many as fit.
    Names,
}

/// Serves `chain` on `port` of every IPv4 address in `machine`, to so many connections at most. The
/// certificate is for `ip`.
///
/// # Panics
/// When the port is taken.
pub fn serve(machine: &Namespace, port: u16, ip: Ipv4Addr, chain: Chain, connections: usize) {
    let flight = chain.flight(ip);
    let listener = machine.within(|| TcpListener::bind(("0.0.0.0", port)).expect("a free port"));
    thread::spawn(move || {
        for peer in listener.incoming().take(connections).map_while(Result::ok) {
            let flight = flight.clone();
            thread::spawn(move || answer(peer, &flight));
        }
    });
}

/// Sends everything up to the end of the server's first flight, and waits until the client goes.
fn answer(mut peer: TcpStream, flight: &[u8]) {
    let mut hello = [0; 4096];
    let _ = peer.read(&mut hello);
    let _ = peer.write_all(flight);
    while peer.read(&mut hello).is_ok_and(|count| count > 0) {}
}

impl Chain {
    fn certificates(self, ip: Ipv4Addr) -> Vec<Vec<u8>> {
        let authority = name("authority");
        let key = self.rsa_bits.map_or_else(|| key(1), rsa_key);
        let leaf = certificate(&name("leaf"), &authority, &key, &[subject_is(ip, self.names())]);
        let mut extensions = vec![may_issue()];
        if self.filling == Filling::Extensions {
            let room = MAX_LIST / usize::from(self.authorities) - 2 * leaf.len();
            extensions.extend((0..room / unknown(0).len()).map(unknown));
        }
        let authorities = (0..self.authorities)
            .map(|number| certificate(&authority, &authority, &no_key(number), &extensions));
        let mut certificates: Vec<_> = [leaf].into_iter().chain(authorities).collect();
        let mut size: usize = certificates.iter().map(|der| der.len() + 3).sum();
        for number in (0..u16::MAX).take_while(|_| self.filling == Filling::Certificates) {
            let nameless = tlv(0x30, &[]);
            let filler = certificate(&nameless, &nameless, &no_key(number), &[]);
            size += filler.len() + 3;
            if size > MAX_LIST {
                break;
            }
            certificates.push(filler);
        }
        certificates
    }

    fn names(self) -> usize {
        const NAME: usize = 6;
        if self.filling == Filling::Names { (MAX_LIST - 1000) / NAME } else { 1 }
    }

    /// ServerHello, Certificate, ServerKeyExchange and ServerHelloDone (RFC 5246, section 7.4). The
    /// signature is none, which a client finds out last.
    fn flight(self, ip: Ipv4Addr) -> Vec<u8> {
        // TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256.
        let cipher = if self.rsa_bits.is_some() { [0xc0, 0x2f] } else { [0xc0, 0x2b] };
        let hello = [&[3, 3], &[7; 32][..], &[0], &cipher, &[0, 0, 0]].concat();
        let list: Vec<u8> = self.certificates(ip).iter().flat_map(|der| counted(der)).collect();
        let x25519_key = [&[3, 0, 0x1d, 32][..], &[9; 32]].concat();
        let (scheme, length) = self.rsa_bits.map_or(([4, 3], 70), |bits| ([6, 1], bits / 8));
        let signature = [&scheme, &(length as u16).to_be_bytes()[..], &vec![0x30; length]].concat();
        let messages = [
            message(2, &hello),
            message(11, &counted(&list)),
            message(12, &[x25519_key, signature].concat()),
            message(14, &[]),
        ];
        messages.iter().flat_map(|message| records(message, self.record)).collect()
    }
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &counted(body)].concat()
}

/// With its length before it, in three octets.
fn counted(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat()
}

fn records(message: &[u8], size: usize) -> Vec<u8> {
    let record = |part: &[u8]| {
        let length = (part.len() as u16).to_be_bytes();
        [&[0x16, 3, 3], &length[..], part].concat()
    };
    message.chunks(size).flat_map(record).collect()
}

/// A certificate (RFC 5280, section 4.1), valid for many years, whose signature is none.
fn certificate(subject: &[u8], issuer: &[u8], key: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let (version, serial) = (tlv(0xa0, &[&tlv(2, &[&[2]])]), tlv(2, &[&[1]]));
    let ecdsa_with_sha256 = tlv(0x30, &[&oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])]);
    let time = |text: &[u8]| tlv(0x17, &[text]);
    let validity = tlv(0x30, &[&time(b"200101000000Z"), &time(b"480101000000Z")]);
    let extensions = match extensions {
        [] => Vec::new(),
        all => tlv(0xa3, &[&tlv(0x30, &[&all.concat()])]),
    };
    let signed: [&[u8]; 8] =
        [&version, &serial, &ecdsa_with_sha256, issuer, &validity, subject, key, &extensions];
    let signature = tlv(3, &[&[0, 0x30, 6, 2, 1, 1, 2, 1, 1]]);
    tlv(0x30, &[&tlv(0x30, &signed), &ecdsa_with_sha256, &signature])
}

/// A point of P-256, or a text that looks like one.
fn key(number: u16) -> Vec<u8> {
    let ec_public_key = oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]);
    let p256 = oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
    let point = [&[0, 4][..], &number.to_be_bytes().repeat(32)].concat();
    tlv(0x30, &[&tlv(0x30, &[&ec_public_key, &p256]), &tlv(3, &[&point])])
}

/// A modulus of so many bits, and the largest exponent that anybody accepts, of 33 bits.
fn rsa_key(bits: usize) -> Vec<u8> {
    let algorithm = tlv(0x30, &[&oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]), &[5, 0]]);
    let modulus = tlv(2, &[&[0], &vec![0xff; bits / 8]]);
    let exponent = tlv(2, &[&[1, 0xff, 0xff, 0xff, 0xff]]);
    let key = tlv(0x30, &[&modulus, &exponent]);
    tlv(0x30, &[&algorithm, &tlv(3, &[&[0], &key])])
}

/// As small as it can be: it is looked at only after a chain was found.
fn no_key(number: u16) -> Vec<u8> {
    let algorithm = tlv(0x30, &[&oid(&[0x2a])]);
    tlv(0x30, &[&algorithm, &tlv(3, &[&[0], &number.to_be_bytes()])])
}

/// The subject's alternative names, so many of them.
fn subject_is(ip: Ipv4Addr, names: usize) -> Vec<u8> {
    let names = tlv(0x30, &[&tlv(0x87, &[&ip.octets()]).repeat(names)]);
    tlv(0x30, &[&oid(&[0x55, 0x1d, 0x11]), &tlv(4, &[&names])])
}

/// An extension that nobody knows.
fn unknown(number: usize) -> Vec<u8> {
    tlv(0x30, &[&oid(&[0x2a, 0x80 | (number >> 7) as u8, number as u8 & 0x7f]), &[4, 0]])
}

fn may_issue() -> Vec<u8> {
    let authority = tlv(0x30, &[&tlv(1, &[&[0xff]])]);
    tlv(0x30, &[&oid(&[0x55, 0x1d, 0x13]), &tlv(1, &[&[0xff]]), &tlv(4, &[&authority])])
}

fn name(common_name: &str) -> Vec<u8> {
    let attribute = tlv(0x30, &[&oid(&[0x55, 4, 3]), &tlv(0x0c, &[common_name.as_bytes()])]);
    tlv(0x30, &[&tlv(0x31, &[&attribute])])
}

fn oid(octets: &[u8]) -> Vec<u8> {
    tlv(6, &[octets])
}

/// A value in DER (ITU-T X.690, section 8.1).
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let length = match value.len() {
        short @ ..0x80 => vec![short as u8],
        long @ ..0x100 => vec![0x81, long as u8],
        longer => [&[0x82], &(longer as u16).to_be_bytes()[..]].concat(),
    };
    [&[tag], &length[..], &value].concat()
}
