//! The body of an answer on its way to the client.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::{Extension, body::Body, response::Response};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::net::pool::Share;

/// How much of an answer the HTTP library gets at once, in bytes. It may copy or encrypt a piece before the
/// client takes it; the rest of a longer answer stays where it is, once for all who asked for it.
const PIECE: usize = 8 * 1024;

/// The memory that is charged for an answer until it is sent; attached to it.
#[derive(Clone)]
pub(crate) struct MemoryCharge(#[expect(dead_code, reason = "given back when dropped")] Arc<Share>);

impl MemoryCharge {
    pub(crate) fn extension(share: Share) -> Extension<Self> {
        Extension(Self(Arc::new(share)))
    }
}

/// How many answers are under way on one connection.
#[derive(Clone, Default)]
pub(crate) struct Answers(Arc<AtomicUsize>);

/// An answer under way, until it is dropped.
pub(crate) struct AnswerUnderWay(Answers);

impl Answers {
    pub(crate) fn begin(&self) -> AnswerUnderWay {
        self.0.fetch_add(1, Ordering::Relaxed);
        AnswerUnderWay(self.clone())
    }

    pub(crate) fn none_under_way(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

impl Drop for AnswerUnderWay {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body in small pieces.
pub(crate) struct SplitBody {
    body: Body,
    rest: Bytes,
    _under_way: AnswerUnderWay,
    charge: Option<MemoryCharge>,
}

/// A piece of an answer, which keeps the charge until it is written: it keeps the memory of the whole answer.
struct ChargedPiece {
    bytes: Bytes,
    _charge: MemoryCharge,
}

impl AsRef<[u8]> for ChargedPiece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl SplitBody {
    pub(crate) fn of(mut response: Response, under_way: AnswerUnderWay) -> hyper::Response<Self> {
        let charge = response.extensions_mut().remove();
        response.map(|body| Self { body, rest: Bytes::new(), _under_way: under_way, charge })
    }
}

impl HttpBody for SplitBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        let length = self.rest.len().min(PIECE);
        let bytes = self.rest.split_to(length);
        let piece = match self.charge.clone() {
            Some(charge) => Bytes::from_owner(ChargedPiece { bytes, _charge: charge }),
            None => bytes,
        };
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, inner) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(inner.lower() + rest);
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::net::pool::Pool;

    /// The HTTP library keeps pieces after it has taken the last one and dropped the body.
    #[tokio::test]
    async fn an_answer_is_charged_until_its_last_piece_is_written() {
        let (pool, client) = (Pool::new(8, &[]), [192, 0, 2, 1].into());
        let mut response = Response::new(Body::from(vec![0; PIECE + 1]));
        let Extension(charge) = MemoryCharge::extension(pool.take(client, 7).unwrap());
        response.extensions_mut().insert(charge);
        let mut body = SplitBody::of(response, Answers::default().begin()).into_body();
        let first = body.frame().await.unwrap().unwrap();
        let last = body.frame().await.unwrap().unwrap();
        assert!(body.frame().await.is_none());
        drop((body, first));
        assert!(pool.take(client, 1).is_none(), "one piece is not written yet");
        drop(last);
        assert!(pool.take(client, 7).is_some(), "all pieces are written");
    }

    #[tokio::test]
    async fn a_body_in_pieces_is_the_same_body() {
        for length in [0, 1, PIECE, PIECE + 1, 5 * PIECE + 7] {
            let bytes: Vec<u8> = (0..length).map(|index| index as u8).collect();
            let response = Response::new(Body::from(bytes.clone()));
            let response = SplitBody::of(response, Answers::default().begin());
            let (mut body, mut sent) = (response.into_body(), Vec::new());
            assert_eq!(body.size_hint().exact(), Some(length as u64));
            while let Some(frame) = body.frame().await {
                let piece = frame.unwrap().into_data().unwrap();
                assert!(piece.len() <= PIECE, "{}", piece.len());
                sent.extend(piece);
                assert_eq!(body.size_hint().exact(), Some((length - sent.len()) as u64));
            }
            assert!(sent == bytes && body.is_end_stream(), "{length} bytes");
        }
    }
}
