//! How long a client may take to read an answer.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::net::answer::Answers;

/// A stream that fails when its client makes an answer wait for longer than a time in all: how often it
/// takes a little of the answer changes nothing. When everything was taken and no answer is under way, the
/// next one has the whole time again.
pub(super) struct AnswerTime<S> {
    stream: S,
    answers: Answers,
    time: Duration,
    /// How much of the time the answer has left.
    left: Duration,
    /// Since when the client makes it wait, and until when it may; none while it does not.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<S> AnswerTime<S> {
    pub(super) const fn new(stream: S, answers: Answers, time: Duration) -> Self {
        Self { stream, answers, time, left: time, waiting: None }
    }

    /// `result`, unless it is too late for it.
    fn in_time<T>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let late =
            || io::Error::new(io::ErrorKind::TimedOut, "the client does not read the answer");
        if result.is_ready() {
            if let Some((since, _)) = self.waiting.take() {
                self.left = self.left.saturating_sub(since.elapsed());
            }
            // A timer of no time at all may be overtaken by the client's next bite.
            return if self.left.is_zero() { Poll::Ready(Err(late())) } else { result };
        }
        let left = self.left;
        let (_, due) = self.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
        due.as_mut().poll(context).map(|()| Err(late()))
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
        if matches!(flushed, Poll::Ready(Ok(()))) && self.answers.none_under_way() {
            self.left = self.time;
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const TIME: Duration = Duration::from_millis(300);

    /// A client that reads byte by byte, with few bytes in transit.
    fn slow_client(time: Duration, answers: Answers) -> AnswerTime<impl AsyncWrite> {
        let (mut client, server) = duplex(16);
        tokio::spawn(async move { while client.read_u8().await.is_ok() {} });
        AnswerTime::new(server, answers, time)
    }

    #[tokio::test]
    async fn an_answer_has_one_time_in_all() {
        let answers = Answers::default();
        let _under_way = answers.begin();
        let mut stream = slow_client(TIME, answers);
        // However often a part of it has been taken whole.
        let error = loop {
            let written = stream.write_all(&[0; 256]).await;
            if let Err(error) = written.and(stream.flush().await) {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn each_answer_has_it_anew() {
        let (answers, began) = (Answers::default(), Instant::now());
        let mut stream = slow_client(TIME, answers.clone());
        while began.elapsed() < 4 * TIME {
            let under_way = answers.begin();
            stream.write_all(&[0; 256]).await.expect("it is in time");
            drop(under_way);
            stream.flush().await.expect("it is in time");
        }
    }
}
