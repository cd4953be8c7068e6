//! An HTTP/2 client that sends exactly the frames it is given (RFC 9113).

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
};

use crate::{
    http::{connect_from, try_connect},
    tls,
};

/// The preface of a client.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The longest payload that every server takes.
const MAX_PAYLOAD: usize = 16_384;

/// Types of frames.
pub mod kind {
    /// DATA.
    pub const DATA: u8 = 0;
    /// HEADERS.
    pub const HEADERS: u8 = 1;
    /// RST_STREAM.
    pub const RST_STREAM: u8 = 3;
    /// SETTINGS.
    pub const SETTINGS: u8 = 4;
    /// GOAWAY.
    pub const GOAWAY: u8 = 7;
    /// WINDOW_UPDATE.
    pub const WINDOW_UPDATE: u8 = 8;
    /// CONTINUATION.
    pub const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub mod flag {
    /// Nothing follows on this stream; in a SETTINGS frame, an acknowledgement.
    pub const END_STREAM: u8 = 1;
    /// The head ends here.
    pub const END_HEADERS: u8 = 4;
}

/// The identifier of the setting that says how much of an answer may be sent unasked.
pub const INITIAL_WINDOW_SIZE: u16 = 4;

/// A frame that was received.
#[derive(Debug)]
pub struct Frame {
    /// The type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// The stream it is about; 0 for the connection.
    pub stream: u32,
    /// The payload.
    pub payload: Vec<u8>,
}

/// The transport of a connection.
trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

/// A connection.
pub struct Http2 {
    stream: Box<dyn Stream>,
    next: u32,
}

impl Http2 {
    /// Connects without TLS and sends the preface with these settings.
    ///
    /// # Errors
    /// The server does not take the connection.
    pub fn plain(server: SocketAddr, settings: &[(u16, u32)]) -> io::Result<Self> {
        Self::over(try_connect(server)?, settings)
    }

    /// Sends the preface with these settings on a connection without TLS.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn over(stream: TcpStream, settings: &[(u16, u32)]) -> io::Result<Self> {
        Self::begin(Box::new(stream), settings)
    }

    /// Connects from `client`, shakes hands and sends the preface with these settings. `authority`, in
    /// PEM, vouches for the server.
    ///
    /// # Errors
    /// The server does not take the connection, or does not speak HTTP/2.
    pub fn connect(
        client: &str,
        server: SocketAddr,
        authority: &str,
        settings: &[(u16, u32)],
    ) -> io::Result<Self> {
        let socket = connect_from(client, server)?;
        let stream = tls::shake_hands(socket, authority, &[b"h2"])?;
        if stream.conn.alpn_protocol() != Some(b"h2") {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "no HTTP/2"));
        }
        Self::begin(Box::new(stream), settings)
    }

    fn begin(mut stream: Box<dyn Stream>, settings: &[(u16, u32)]) -> io::Result<Self> {
        let mut payload = Vec::new();
        for (identifier, value) in settings {
            payload.extend(identifier.to_be_bytes());
            payload.extend(value.to_be_bytes());
        }
        stream.write_all(&[PREFACE, &frame(kind::SETTINGS, 0, 0, &payload)].concat())?;
        Ok(Self { stream, next: 1 })
    }

    /// Sends a head, cut into as many frames as it needs; returns its stream.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn send_head(&mut self, block: &[u8], end_stream: bool) -> io::Result<u32> {
        let stream = self.next;
        self.next += 2;
        let last = block.len().div_ceil(MAX_PAYLOAD).saturating_sub(1);
        let mut bytes = Vec::with_capacity(block.len() + 64);
        for (index, part) in block.chunks(MAX_PAYLOAD).enumerate() {
            let kind = if index == 0 { kind::HEADERS } else { kind::CONTINUATION };
            let end_stream = if index == 0 { u8::from(end_stream) } else { 0 };
            let end_headers = if index == last { flag::END_HEADERS } else { 0 };
            bytes.extend(frame(kind, end_stream | end_headers, stream, part));
        }
        self.stream.write_all(&bytes)?;
        Ok(stream)
    }

    /// Sends one frame.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        self.stream.write_all(&frame(kind, flags, stream, payload))
    }

    /// Receives one frame.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn receive(&mut self) -> io::Result<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head)?;
        let [high, middle, low, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
        self.stream.read_exact(&mut payload)?;
        Ok(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame is small").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The block of a head (RFC 7541) without any compression.
///
/// # Panics
/// When a value is longer than 126 bytes.
pub fn head(method: &str, path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let pseudo = [(":method", method), (":scheme", "https"), (":path", path), (":authority", "x")];
    let mut block = Vec::new();
    for (name, value) in pseudo.iter().chain(fields) {
        // A literal field that is not remembered, with a literal name.
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127, "the length fits into one byte");
            block.push(text.len() as u8);
            block.extend(text.bytes());
        }
    }
    block
}

/// A field that the server remembers, for [`REMEMBERED`].
pub const REMEMBER: &[u8] = b"\x40\x01a\x00";

/// The field that was remembered last: one byte on the wire, one more field of the head.
pub const REMEMBERED: u8 = 0xbe;
