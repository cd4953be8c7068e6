//! Asks an Internet Gateway Device of UPnP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http_body_util::Full;
use hyper::{Request, StatusCode, header};
use url::Url;

use super::{
    facts::{MappedPort, MappingEntry, MappingTransport, RouterFailureCause},
    router_port::RouterPort,
    soap::{document, element, send},
    ssdp,
};
use crate::no_verdict::quoted;

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
    /// Searches for the gateway's, for as long as the caller lets it.
    pub(super) async fn find(
        gateway: Ipv4Addr,
        from: Ipv4Addr,
    ) -> Result<Self, RouterFailureCause> {
        let location = ssdp::find(gateway, from).await?;
        Self::at(gateway, &location).await
    }

    /// Reads the description at `location`.
    async fn at(gateway: Ipv4Addr, location: &Url) -> Result<Self, RouterFailureCause> {
        let request = Request::get(location.as_str()).body(Full::default());
        let (status, text) = send(gateway, location, request).await?;
        if status != StatusCode::OK {
            return Err(RouterFailureCause::Refused(status.as_u16()));
        }
        let (kind, control) = described(&text).ok_or(RouterFailureCause::Malformed)?;
        let control = location.join(&control).map_err(|_| RouterFailureCause::Malformed)?;
        Ok(Self { gateway, control: ssdp::on_gateway(gateway, control)?, kind })
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
            port.entry = self.mapping(port.port, port.transport).await?;
        }
        Ok(())
    }

    /// The mapping of one port.
    pub(super) async fn mapping(
        &self,
        port: u16,
        transport: MappingTransport,
    ) -> Result<MappingEntry, RouterFailureCause> {
        match self.call("GetSpecificPortMappingEntry", &key(port, transport)).await {
            Ok(answer) => entry(&answer).ok_or(RouterFailureCause::Malformed),
            Err(RouterFailureCause::Refused(NO_SUCH_ENTRY)) => Ok(MappingEntry::NotMapped),
            Err(cause) => Err(cause),
        }
    }

    /// Maps a port to the same port of `client`, or renews that mapping. A lease of 0 seconds never
    /// ends.
    pub(super) async fn add_mapping(
        &self,
        port: RouterPort,
        client: Ipv4Addr,
        description: &str,
        lease_seconds: u32,
    ) -> Result<(), RouterFailureCause> {
        let (port, key) = (port.get(), key(port.get(), port.transport));
        let arguments = format!(
            "{key}<NewInternalPort>{port}</NewInternalPort><NewInternalClient>{client}</NewInternalClient>\
             <NewEnabled>1</NewEnabled>\
             <NewPortMappingDescription>{description}</NewPortMappingDescription>\
             <NewLeaseDuration>{lease_seconds}</NewLeaseDuration>"
        );
        self.call("AddPortMapping", &arguments).await.map(drop)
    }

    /// Removes the mapping of a port, whichever machine it leads to.
    pub(super) async fn delete_mapping(&self, port: RouterPort) -> Result<(), RouterFailureCause> {
        match self.call("DeletePortMapping", &key(port.get(), port.transport)).await {
            Ok(_) | Err(RouterFailureCause::Refused(NO_SUCH_ENTRY)) => Ok(()),
            Err(cause) => Err(cause),
        }
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

/// The arguments that name a mapping.
fn key(port: u16, transport: MappingTransport) -> String {
    let transport = match transport {
        MappingTransport::Tcp => "TCP",
        MappingTransport::Udp => "UDP",
    };
    format!(
        "<NewRemoteHost></NewRemoteHost><NewExternalPort>{port}</NewExternalPort>\
         <NewProtocol>{transport}</NewProtocol>"
    )
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
