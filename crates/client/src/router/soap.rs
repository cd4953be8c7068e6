//! HTTP and XML for the calls to an Internet Gateway Device, within bounds.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use roxmltree::{Document, ParsingOptions};
use tokio::net::TcpStream;
use url::Url;

use super::facts::RouterFailureCause;

/// Bytes of the longest answer: descriptions have about 10,000.
pub(super) const MAX_ANSWER_BYTES: usize = 64 << 10;

/// Nodes of the largest answer: descriptions have about 500.
const MAX_NODES: u32 = 10_000;

/// Sends to the gateway, whatever host the URL names; follows no redirect.
#[expect(clippy::disallowed_methods, reason = "the router is no target that somebody named")]
pub(super) async fn send(
    gateway: Ipv4Addr,
    url: &Url,
    request: Result<Request<Full<Bytes>>, hyper::http::Error>,
) -> Result<(StatusCode, String), RouterFailureCause> {
    let mut request = request.map_err(|_| RouterFailureCause::Malformed)?;
    let port = url.port_or_known_default().unwrap_or_default();
    let origin = &url[url::Position::BeforePath..url::Position::AfterQuery];
    *request.uri_mut() = origin.parse().map_err(|_| RouterFailureCause::Malformed)?;
    let host = SocketAddr::from((gateway, port)).to_string();
    request.headers_mut().insert(header::HOST, host.parse().expect("an address is plain"));
    request.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    let stream = TcpStream::connect((gateway, port)).await;
    let stream = stream.map_err(|_| RouterFailureCause::NoAnswer)?;
    let exchange = async {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        let answer = async {
            let answer = sender.send_request(request).await.ok()?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect().await.ok()?;
            Some((status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
        };
        // The connection ends after the answer; until then it must be driven.
        let driven = async {
            let _ = connection.await;
            std::future::pending::<Option<_>>().await
        };
        tokio::select! { answer = answer => answer, nothing = driven => nothing }
    };
    exchange.await.ok_or(RouterFailureCause::Malformed)
}

/// Parses within bounds. The parser does not recurse, and takes no definitions of entities.
pub(super) fn document(text: &str) -> Option<Document<'_>> {
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).ok()
}

/// The text of the first element of this name.
pub(super) fn element(text: &str, name: &str) -> Option<String> {
    let document = document(text)?;
    let found = document.descendants().find(|node| node.tag_name().name() == name)?;
    Some(found.text().unwrap_or_default().trim().to_owned())
}
