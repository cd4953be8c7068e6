//! Asks an Internet Gateway Device of UPnP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use roxmltree::{Document, ParsingOptions};
use tokio::net::TcpStream;
use url::Url;

use super::{
    facts::{MappedPort, MappingEntry, MappingTransport, RouterFailureCause},
    ssdp::on_gateway,
};
use crate::no_verdict::quoted;

/// Bytes of the longest answer: descriptions have about 10,000.
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// Nodes of the largest answer: descriptions have about 500.
const MAX_NODES: u32 = 10_000;

/// Ports that are asked for, one after the other.
const MAX_PORTS: usize = 100;

/// `NoSuchEntryInArray` of WANIPConnection.
const NO_SUCH_ENTRY: u16 = 714;

/// The service that knows the address and the mappings.
pub(super) struct Service {
    gateway: Ipv4Addr,
    control: Url,
    kind: String,
}

impl Service {
    /// Reads the description at `location`.
    pub(super) async fn at(gateway: Ipv4Addr, location: &Url) -> Result<Self, RouterFailureCause> {
        let request = Request::get(location.as_str()).body(Full::default());
        let (status, text) = send(gateway, location, request).await?;
        if status != StatusCode::OK {
            return Err(RouterFailureCause::Refused(status.as_u16()));
        }
        let (kind, control) = described(&text).ok_or(RouterFailureCause::Malformed)?;
        let control = location.join(&control).map_err(|_| RouterFailureCause::Malformed)?;
        Ok(Self { gateway, control: on_gateway(gateway, control)?, kind })
    }

    /// The address on the Internet's side.
    pub(super) async fn wan_address(&self) -> Result<Option<IpAddr>, RouterFailureCause> {
        let answer = self.call("GetExternalIPAddress", "").await?;
        let told = element(&answer, "NewExternalIPAddress").unwrap_or_default();
        let address = told.parse().ok().filter(|address: &IpAddr| !address.is_unspecified());
        address.map(Some).ok_or(RouterFailureCause::NoPublicAddress)
    }

    /// Fills in the mappings of the first ports; ends at the first failure.
    pub(super) async fn look_up(&self, ports: &mut [MappedPort]) -> Result<(), RouterFailureCause> {
        for port in ports.iter_mut().take(MAX_PORTS) {
            let transport = match port.transport {
                MappingTransport::Tcp => "TCP",
                MappingTransport::Udp => "UDP",
            };
            let asked = format!(
                "<NewRemoteHost></NewRemoteHost><NewExternalPort>{}</NewExternalPort>\
                 <NewProtocol>{transport}</NewProtocol>",
                port.port
            );
            port.entry = match self.call("GetSpecificPortMappingEntry", &asked).await {
                Ok(answer) => entry(&answer).ok_or(RouterFailureCause::Malformed)?,
                Err(RouterFailureCause::Refused(NO_SUCH_ENTRY)) => MappingEntry::NotMapped,
                Err(cause) => return Err(cause),
            };
        }
        Ok(())
    }

    async fn call(&self, action: &str, arguments: &str) -> Result<String, RouterFailureCause> {
        let kind = &self.kind;
        let body = format!(
            "<?xml version=\"1.0\"?><s:Envelope \
             xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>\
             <u:{action} xmlns:u=\"{kind}\">{arguments}</u:{action}></s:Body></s:Envelope>"
        );
        let request = Request::post(self.control.as_str())
            .header(header::CONTENT_TYPE, "text/xml; charset=\"utf-8\"")
            .header("SOAPAction", format!("\"{kind}#{action}\""))
            .body(Full::from(body));
        let (status, text) = send(self.gateway, &self.control, request).await?;
        match status {
            StatusCode::OK => Ok(text),
            _ => {
                let code = element(&text, "errorCode").and_then(|code| code.parse().ok());
                Err(RouterFailureCause::Refused(code.unwrap_or(status.as_u16())))
            }
        }
    }
}

/// Sends to the gateway, whatever host the URL names; follows no redirect.
#[expect(clippy::disallowed_methods, reason = "the router is no target that somebody named")]
async fn send(
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
fn document(text: &str) -> Option<Document<'_>> {
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).ok()
}

/// The text of the first element of this name.
fn element(text: &str, name: &str) -> Option<String> {
    let document = document(text)?;
    let found = document.descendants().find(|node| node.tag_name().name() == name)?;
    Some(found.text().unwrap_or_default().trim().to_owned())
}

/// The kind of the first WAN connection of a description, and the reference to its control.
fn described(text: &str) -> Option<(String, String)> {
    const KINDS: [&str; 3] = [
        "urn:schemas-upnp-org:service:WANIPConnection:1",
        "urn:schemas-upnp-org:service:WANIPConnection:2",
        "urn:schemas-upnp-org:service:WANPPPConnection:1",
    ];
    let document = document(text)?;
    let mut services = document.descendants().filter(|node| node.tag_name().name() == "service");
    services.find_map(|service| {
        let of = |name| {
            let mut children = service.children();
            children.find(|node| node.tag_name().name() == name)?.text().map(str::trim)
        };
        let kind = of("serviceType").filter(|kind| KINDS.contains(kind))?;
        Some((kind.to_owned(), of("controlURL")?.to_owned()))
    })
}

fn entry(answer: &str) -> Option<MappingEntry> {
    let to: IpAddr = element(answer, "NewInternalClient")?.parse().ok()?;
    let port: u16 = element(answer, "NewInternalPort")?.parse().ok()?;
    let description = element(answer, "NewPortMappingDescription").unwrap_or_default();
    let enabled = element(answer, "NewEnabled").is_none_or(|enabled| enabled != "0");
    let description = quoted(&description);
    Some(MappingEntry::Mapped { to: SocketAddr::new(to, port), description, enabled })
}

#[cfg(test)]
#[path = "igd_tests.rs"]
mod tests;
