//! A connection that speaks HTTP/2.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use hyper::{Request, body::Incoming, rt::Executor, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    select,
    time::{interval, sleep, timeout},
};
use tracing::{Instrument, Span, debug};

use super::request_service::RequestService;
use crate::{net::answer::SplitBody, net::error_bodies::head_too_large, net::pool::Share};

/// The largest head that is decoded, in bytes, counted as in HTTP/2: 32 for each field besides its name and
/// its value (RFC 9113, section 6.5.2). The library answers a larger one by itself, without a body. It
/// keeps some five times as many bytes until the head is complete.
const MAX_DECODED_HEAD: u32 = 32 * 1024;

/// How much each field of a head counts besides its name and its value, in bytes.
const FIELD_OVERHEAD: usize = 32;

/// How many fields a head may have, as over HTTP/1.1.
const MAX_FIELDS: usize = 100;

/// How much of a body may be under way, in bytes, on one stream and on all streams of a connection: data
/// that has come and was not read yet stays in memory.
const WINDOW: u32 = 64 * 1024;

/// How busy a connection is.
#[derive(Default)]
struct Activity {
    under_way: AtomicUsize,
    begun: AtomicU64,
}

/// One request under way, until dropped.
struct RequestUnderWay(Arc<Activity>);

/// Runs the streams, each for a bounded time: a client may open a stream and never let it send its answer.
#[derive(Clone)]
struct BoundedStreams(Duration);

impl<F: Future<Output: Send> + Send + 'static> Executor<F> for BoundedStreams {
    fn execute(&self, stream: F) {
        // Dropping a stream resets it.
        tokio::spawn(timeout(self.0, stream));
    }
}

/// Answers requests until either side ends the connection. It ends when it is idle for as long as a
/// head may take, when it is old, or when the service drains; requests under way then are answered.
pub(super) async fn serve(
    requests: RequestService,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    _share: Share,
) {
    let activity = Arc::new(Activity::default());
    let service = {
        let (requests, activity) = (requests.clone(), Arc::clone(&activity));
        let span = Span::current();
        service_fn(move |request: Request<Incoming>| {
            let (requests, under_way) = (requests.clone(), activity.begin());
            // A head that is too large is dropped before anything waits.
            let request = Some(request).filter(|request| {
                request.headers().len() <= MAX_FIELDS
                    && size(request) <= requests.config.bounds.head_bytes
            });
            let answer = async move {
                let _under_way = under_way;
                match request {
                    Some(request) => requests.answer(request).await,
                    None => Ok(SplitBody::of(head_too_large(), requests.answers.begin())),
                }
            };
            answer.instrument(span.clone())
        })
    };
    let bounds = &requests.config.bounds;
    let stream_time = bounds.body_time + requests.config.deadline + bounds.answer_time;
    let mut served = pin!(
        http2::Builder::new(BoundedStreams(stream_time))
            .timer(TokioTimer::new())
            .max_concurrent_streams(bounds.streams)
            .max_header_list_size(MAX_DECODED_HEAD)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .keep_alive_interval(bounds.head_time)
            .keep_alive_timeout(bounds.head_time)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = select! {
        ended = served.as_mut() => ended,
        () = async {
            select! {
                () = requests.draining.cancelled() => {}
                () = sleep(bounds.http2_time) => {}
                () = activity.until_idle(bounds.head_time) => {}
            }
        } => {
            served.as_mut().graceful_shutdown();
            // A client that has asked nothing yet may not even have begun to speak HTTP/2, and then the
            // library waits for it.
            let asked = activity.begun.load(Ordering::Relaxed) > 0;
            let grace = if asked { stream_time } else { bounds.last_requests_time };
            match timeout(grace, served).await {
                Ok(ended) => ended,
                Err(_) => return debug!("the client does not end the connection"),
            }
        }
    };
    if let Err(error) = ended {
        debug!(%error, "connection broke off");
    }
}

/// The size of a head, in bytes.
fn size(request: &Request<Incoming>) -> usize {
    let uri = request.uri();
    let path = uri.path_and_query().map_or(0, |path| path.as_str().len());
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    let fields = request.headers().iter();
    let fields = fields.map(|(name, value)| name.as_str().len() + value.len() + FIELD_OVERHEAD);
    request.method().as_str().len() + path + authority + fields.sum::<usize>()
}

impl Activity {
    fn begin(self: &Arc<Self>) -> RequestUnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        RequestUnderWay(Arc::clone(self))
    }

    /// Ends when for as long as `time` no request was under way and none was begun.
    async fn until_idle(&self, time: Duration) {
        let mut ticks = interval(time);
        let mut begun_before = None;
        loop {
            ticks.tick().await;
            let now = self.begun.load(Ordering::Relaxed);
            if self.under_way.load(Ordering::Relaxed) == 0 && begun_before == Some(now) {
                return;
            }
            begun_before = Some(now);
        }
    }
}

impl Drop for RequestUnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{
        config::{Bounds, Config},
        net::{answer::Answers, pool::Pool},
    };

    /// The preface, and settings that ask for nothing (RFC 9113, section 3.4).
    const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

    const GO_AWAY: u8 = 7;

    #[tokio::test]
    async fn clients_that_are_idle_or_old_are_sent_away() {
        let soon = Duration::from_millis(50);
        let cases = [
            ("idle", Bounds { head_time: soon, ..Bounds::default() }),
            ("old", Bounds { http2_time: soon, ..Bounds::default() }),
        ];
        for (kind, bounds) in cases {
            let requests = RequestService {
                peer: ([127, 0, 0, 1], 1).into(),
                app: Router::new(),
                config: Arc::new(Config { bounds, ..Config::default() }),
                draining: CancellationToken::new(),
                answers: Answers::default(),
            };
            let share = Pool::new(8, &[]).take(requests.peer.ip(), 1).unwrap();
            let (mut client, server) = duplex(1024);
            client.write_all(HELLO).await.unwrap();
            let served = tokio::spawn(serve(requests, server, share));
            let mut sent = Vec::new();
            client.read_to_end(&mut sent).await.unwrap();
            served.await.unwrap();
            assert!(kinds(&sent).any(|frame| frame == GO_AWAY), "{kind}: {sent:?}");
        }
    }

    /// The kind of each frame: a length of three octets and a kind begin its nine (section 4.1).
    fn kinds(mut frames: &[u8]) -> impl Iterator<Item = u8> {
        std::iter::from_fn(move || {
            let (&[high, middle, low, kind, ..], rest) = frames.split_first_chunk::<9>()?;
            let length = u32::from_be_bytes([0, high, middle, low]);
            frames = rest.get(usize::try_from(length).ok()?..)?;
            Some(kind)
        })
    }
}
