//! Error bodies for the answers that the HTTP library makes by itself, to bytes that never become a request.
//!
//! hyper has no hook for them, and no crate adds one: it writes a status line with `Content-Length: 0`. Here
//! that is recognised and replaced on the way to the socket. No route answers with one of these statuses.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    Json,
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use port_checker_api::{ErrorBody, ErrorCode, ErrorDetail};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The message about a head that is too large.
const HEAD_TOO_LARGE: &str =
    "the head of the request is larger than the checker reads, or has too many fields";

/// The start of an answer without a body, and the error that replaces it.
const BARE: [(&[u8], ErrorCode, &str); 3] = [
    (b"HTTP/1.1 400 Bad Request\r\n", ErrorCode::InvalidRequest, "this is not an HTTP/1.1 request"),
    (
        b"HTTP/1.1 414 URI Too Long\r\n",
        ErrorCode::PayloadTooLarge,
        "the path is longer than the checker reads",
    ),
    (
        b"HTTP/1.1 431 Request Header Fields Too Large\r\n",
        ErrorCode::PayloadTooLarge,
        HEAD_TOO_LARGE,
    ),
];

/// The answer to a head that is too large, where it can be given before the library does.
pub(crate) fn head_too_large() -> Response {
    let detail =
        ErrorDetail { code: ErrorCode::PayloadTooLarge.into(), message: HEAD_TOO_LARGE.to_owned() };
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    (status, [(CACHE_CONTROL, "no-store")], Json(ErrorBody { detail })).into_response()
}

/// A connection on which the library's bare answers get a body.
pub(crate) struct WithErrorBodies<S> {
    stream: S,
    /// The answer that is written instead of the library's, and how much of it was written.
    replaced: Option<(Vec<u8>, usize)>,
}

impl<S> WithErrorBodies<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, replaced: None }
    }
}

/// The answer to write instead of `bytes`, if they are a bare answer.
fn replacement(bytes: &[u8]) -> Option<Vec<u8>> {
    let (status, code, message) = BARE.iter().find(|(status, ..)| bytes.starts_with(status))?;
    let detail = ErrorDetail { code: (*code).into(), message: (*message).to_owned() };
    let body = serde_json::to_vec(&ErrorBody { detail }).expect("an error body is plain data");
    let length = body.len();
    let fields = format!(
        "content-type: application/json\r\ncache-control: no-store\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n"
    );
    Some([status, fields.as_bytes(), &body].concat())
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WithErrorBodies<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Self { stream, replaced } = &mut *self;
        if replaced.is_none() {
            *replaced = replacement(bytes).map(|replacement| (replacement, 0));
        }
        let Some((replacement, written)) = replaced else {
            return Pin::new(stream).poll_write(context, bytes);
        };
        while *written < replacement.len() {
            let rest = &replacement[*written..];
            match ready!(Pin::new(&mut *stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => *written += count,
            }
        }
        *replaced = None;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A bare answer is the first slice, and the only one.
        let first = slices.iter().map(|slice| &**slice).find(|slice| !slice.is_empty());
        match first.filter(|first| self.replaced.is_some() || replacement(first).is_some()) {
            Some(first) => self.poll_write(context, first),
            None => Pin::new(&mut self.stream).poll_write_vectored(context, slices),
        }
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

impl<S: AsyncRead + Unpin> AsyncRead for WithErrorBodies<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}
