//! The first bytes of a connection: which client a proxy speaks for, and which version of HTTP follows.

use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, BytesMut};
use proxy_header::{Error, ParseConfig, ProxyHeader};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// The first bytes of a client that speaks HTTP/2 (RFC 9113, section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The first bytes of a PROXY header, in both versions.
const PROXY_SIGNATURES: [&[u8]; 2] = [b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n"];

/// The longest PROXY header, in bytes: addresses, and the fields that a load balancer may add. HAProxy sends
/// at most 536.
const MAX_PROXY_HEADER: usize = 2048;

/// How much is read at once, in bytes: the whole head of most requests.
const READ_AHEAD: usize = 1024;

/// A stream whose first bytes were read to learn its protocol, and are read again by the code that serves it.
pub(super) struct PeekedStream {
    read: BytesMut,
    stream: TcpStream,
}

impl PeekedStream {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { read: BytesMut::new(), stream }
    }

    /// Whether the client speaks HTTP/2.
    ///
    /// # Errors
    /// The connection is gone.
    pub(super) async fn speaks_http2(&mut self) -> io::Result<bool> {
        let decide = |read: &[u8]| match read.len() < HTTP2_PREFACE.len() {
            true => (!HTTP2_PREFACE.starts_with(read)).then_some(false),
            false => Some(read.starts_with(HTTP2_PREFACE)),
        };
        Ok(self.read_until(decide).await?.unwrap_or(false))
    }

    /// Takes the PROXY header off the stream, if there is one; the client it names, if it names one. Bytes
    /// that are not a valid header stay, for the HTTP or TLS library to refuse.
    ///
    /// # Errors
    /// The connection is gone.
    pub(super) async fn proxied_client(&mut self) -> io::Result<Option<SocketAddr>> {
        let (client, length) = self.read_until(proxied_client).await?.unwrap_or_default();
        self.read.advance(length);
        Ok(client)
    }

    /// Reads until `decide` has seen enough; none if the client ends the stream before.
    async fn read_until<T>(
        &mut self,
        decide: impl Fn(&[u8]) -> Option<T>,
    ) -> io::Result<Option<T>> {
        loop {
            if let Some(decided) = decide(&self.read) {
                return Ok(Some(decided));
            }
            // Without a buffer while the client is silent.
            self.stream.readable().await?;
            self.read.reserve(READ_AHEAD);
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// The client in the PROXY header that `read` begins with, if it names one, and the length of the header: 0
/// where there is none. None where more must be read to tell.
fn proxied_client(read: &[u8]) -> Option<(Option<SocketAddr>, usize)> {
    let begins = |signature: &[u8]| {
        let length = signature.len().min(read.len());
        signature[..length] == read[..length]
    };
    if !PROXY_SIGNATURES.into_iter().any(begins) {
        return Some((None, 0));
    }
    match ProxyHeader::parse(read, ParseConfig::default()) {
        Ok((header, length)) => {
            Some((header.proxied_address().map(|address| address.source), length))
        }
        Err(Error::BufferTooShort) if read.len() < MAX_PROXY_HEADER => None,
        Err(_) => Some((None, 0)),
    }
}

impl AsyncRead for PeekedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let length = self.read.len().min(buffer.remaining());
        buffer.put_slice(&self.read.split_to(length));
        if self.read.is_empty() {
            self.read = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for PeekedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_follows_a_signature_is_taken_in_part_or_not_at_all(
            version in 0..2_usize,
            rest in proptest::collection::vec(any::<u8>(), 0..300),
            most in 0..320_usize,
        ) {
            let read = [PROXY_SIGNATURES[version], &rest].concat();
            let read = &read[..read.len().min(most)];
            if let Some((client, length)) = proxied_client(read) {
                prop_assert!(length <= read.len());
                prop_assert!(client.is_none() || length > 0);
            }
        }
    }

    #[test]
    fn headers_of_proxies() {
        let v2 = |command: u8, family: u8, rest: &[u8]| {
            let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
            [PROXY_SIGNATURES[1], &[command, family], &length, rest].concat()
        };
        let ipv4 = [192, 0, 2, 7, 198, 51, 100, 1, 0x12, 0x34, 0x23, 0x28];
        let client = Some("192.0.2.7:4660".parse().unwrap());
        let long_v1 = [b"PROXY TCP4 ".as_slice(), &[b'1'; 120]].concat();
        type Parsed = Option<(Option<SocketAddr>, usize)>;
        let cases: &[(Vec<u8>, Parsed, &str)] = &[
            (b"GET / HTTP/1.1\r\n".to_vec(), Some((None, 0)), "a request"),
            (b"\x16\x03\x01".to_vec(), Some((None, 0)), "a TLS handshake"),
            (b"PR".to_vec(), None, "too little to tell"),
            (
                b"PROXY TCP4 192.0.2.7 198.51.100.1 4660 9000\r\nGET".to_vec(),
                Some((client, 45)),
                "version 1",
            ),
            (
                b"PROXY TCP6 2001:db8::7 2001:db8::1 4660 9000\r\n".to_vec(),
                Some((Some("[2001:db8::7]:4660".parse().unwrap()), 46)),
                "version 1, IPv6",
            ),
            (b"PROXY TCP4 192.0.2.7 198.51".to_vec(), None, "version 1 in part"),
            (b"PROXY UNKNOWN\r\nGET".to_vec(), Some((None, 15)), "version 1 that does not say"),
            (b"PROXY /path HTTP/1.1\r\n".to_vec(), Some((None, 0)), "a method of that name"),
            (b"PROXY TCP4 1 2 3 4\r\n".to_vec(), Some((None, 0)), "no addresses"),
            (long_v1, Some((None, 0)), "version 1 without an end"),
            (v2(0x21, 0x11, &ipv4), Some((client, 28)), "version 2"),
            (v2(0x21, 0x11, &[&ipv4[..], &[0; 99]].concat()), Some((client, 127)), "with more"),
            (v2(0x20, 0, &[]), Some((None, 16)), "version 2, of the proxy itself"),
            (v2(0x21, 0x11, &ipv4)[..20].to_vec(), None, "version 2 in part"),
            (v2(0x31, 0x11, &ipv4), Some((None, 0)), "version 3"),
            (v2(0x21, 0x11, &ipv4[..5]), None, "too short for its family: more is waited for"),
            (v2(0x21, 0x11, &[0; 60_000])[..2048].to_vec(), Some((None, 0)), "longer than is read"),
        ];
        for (read, expected, why) in cases {
            assert_eq!(proxied_client(read), *expected, "{why}");
        }
    }
}
