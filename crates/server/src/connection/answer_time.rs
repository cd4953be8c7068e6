//! How long a client may take to read an answer.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// A stream that fails when what was written is not taken within a time. The time begins when the client
/// makes the first write wait, and ends when everything written has been taken: how often a little of it
/// is taken changes nothing.
pub(super) struct AnswerTime<S> {
    stream: S,
    time: Duration,
    /// None while nothing waits.
    due: Option<Pin<Box<Sleep>>>,
}

impl<S> AnswerTime<S> {
    pub(super) const fn new(stream: S, time: Duration) -> Self {
        Self { stream, time, due: None }
    }

    /// `result`, unless it is too late for it.
    fn in_time<T>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_pending() && self.due.is_none() {
            self.due = Some(Box::pin(sleep(self.time)));
        }
        let due = self.due.as_mut().map(|due| due.as_mut().poll(context));
        if due.is_some_and(|due| due.is_ready()) {
            let error = io::Error::new(io::ErrorKind::TimedOut, "the answer was not read");
            return Poll::Ready(Err(error));
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for AnswerTime<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.in_time(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        let flushed = self.in_time(context, flushed);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.due = None;
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.in_time(context, shut)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for AnswerTime<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}
