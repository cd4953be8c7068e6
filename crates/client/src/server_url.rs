//! The address of a checker: from the text that a person types to the addresses of its routes.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use hyper::Uri;
use url::{Host, ParseError, Url};

use crate::{Family, local_address::is_local, no_verdict::escaped};

/// Routes that people leave at the end of a checker's address when they copy it.
const ROUTES: [&str; 8] =
    ["check-ports", "check-tls", "docs", "health", "ip", "metrics", "openapi.json", "ready"];

/// The route of the keys that a checker signs statements with.
const KEYS: &str = ".well-known/jwks.json";

/// Where a checker is.
#[derive(Debug, Clone)]
pub(crate) struct ServerUrl {
    /// As it was given, with a scheme and without a route.
    text: String,
    base: Url,
    pub(crate) ip: Uri,
    pub(crate) check_ports: Uri,
    pub(crate) ready: Uri,
    pub(crate) keys: Uri,
}

/// A text that is not the address of a checker.
#[derive(Debug, thiserror::Error)]
#[error("'{url}' is not the address of a checker, such as http://checker.example:9000: {reason}")]
pub struct InvalidUrl {
    url: String,
    reason: String,
}

impl ServerUrl {
    /// Without a scheme it is `http`; a route at the end is left out.
    pub(crate) fn parse(given: &str) -> Result<Self, InvalidUrl> {
        let invalid = |reason: String| InvalidUrl { url: shown(given), reason };
        let text = with_scheme(given.trim());
        let mut base = Url::parse(&text).map_err(|error| invalid(reason(error, &text)))?;
        let scheme = base.scheme().to_owned();
        if !["http", "https"].contains(&scheme.as_str()) {
            return Err(invalid(format!("expected http:// or https://, not {scheme}://")));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(invalid("expected neither user nor password".to_owned()));
        }
        base.set_fragment(None);
        base.set_query(None);
        let text = match remove_route(&mut base) {
            true => base.as_str().trim_end_matches('/').to_owned(),
            false => text,
        };
        let route = |name| route(&base, name).ok_or_else(|| invalid(ODD_CHARACTER.to_owned()));
        let (ip, check_ports, ready) = (route("ip")?, route("check-ports")?, route("ready")?);
        let keys = route(KEYS)?;
        Ok(Self { text, base, ip, check_ports, ready, keys })
    }

    /// Whether both are the same checker.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let path = |server: &Self| server.base.path().trim_end_matches('/').to_owned();
        self.base.origin() == other.base.origin() && path(self) == path(other)
    }

    /// Whether it is asked over TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// The one family over which it can be asked, if it is an address and not a name.
    pub(crate) fn only_family(&self) -> Option<Family> {
        match self.base.host()? {
            Host::Domain(_) => None,
            Host::Ipv4(ip) => Some(Family::of(ip.into())),
            Host::Ipv6(ip) => Some(Family::of(ip.into())),
        }
    }

    /// Whether it is this machine's address or one of a local network, or `localhost`.
    pub(crate) fn is_local(&self) -> bool {
        match self.base.host() {
            None => false,
            Some(Host::Domain(name)) => name.trim_end_matches('.') == "localhost",
            Some(Host::Ipv4(ip)) => is_local(ip.into()),
            Some(Host::Ipv6(ip)) => is_local(IpAddr::from(ip).to_canonical()),
        }
    }

    /// The same with the other scheme.
    pub(crate) fn other_scheme(&self) -> String {
        let (own, other) = if self.is_https() { ("https", "http") } else { ("http", "https") };
        format!("{other}{}", self.text.strip_prefix(own).unwrap_or("://…"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it names no port, and so means that of web servers over plain HTTP.
    pub(crate) fn is_at_web_port(&self) -> bool {
        self.base.port().is_none() && !self.is_https()
    }

    pub(crate) fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The text as it was given, without a password, and with control characters escaped: it may be just what
/// is wrong with the address.
fn shown(given: &str) -> String {
    let start = given.find("://").map_or(0, |scheme| scheme + 3);
    let (scheme, rest) = given.split_at(start);
    match rest.rsplit_once('@') {
        Some((_, host)) => escaped(&format!("{scheme}…@{host}")),
        None => escaped(given),
    }
}

fn with_scheme(text: &str) -> String {
    if text.contains("://") { text.to_owned() } else { format!("http://{text}") }
}

const ODD_CHARACTER: &str = "it has a character that no address has";

/// Why a text is no URL.
fn reason(error: ParseError, text: &str) -> String {
    let host = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    if let Ok(ip) = host.parse::<Ipv6Addr>() {
        return format!("an IPv6 address needs brackets, such as [{ip}]:9000");
    }
    match error {
        ParseError::EmptyHost => "it has no host",
        ParseError::InvalidPort => "the port is not a number from 0 to 65535",
        ParseError::InvalidIpv4Address => "it ends in a number, but is no IPv4 address",
        ParseError::InvalidIpv6Address => "the text in brackets is not an IPv6 address",
        ParseError::IdnaError | ParseError::InvalidDomainCharacter => ODD_CHARACTER,
        _ => "it cannot be read as a URL",
    }
    .to_owned()
}

/// Whether there was one.
fn remove_route(base: &mut Url) -> bool {
    let last = base.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if !ROUTES.contains(&last) {
        return false;
    }
    if let Ok(mut path) = base.path_segments_mut() {
        path.pop_if_empty().pop();
    }
    true
}

/// A route of the checker, which may live under a path.
fn route(base: &Url, name: &str) -> Option<Uri> {
    let mut url = base.clone();
    url.path_segments_mut().ok()?.pop_if_empty().extend(name.split('/'));
    url.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_people_type_them() {
        let cases = [
            ("http://a.example:9000", "http://a.example:9000/check-ports", "the usual"),
            ("https://a.example/", "https://a.example/check-ports", "a slash at the end"),
            ("http://a.example/sub", "http://a.example/sub/check-ports", "under a path"),
            ("5.9.10.11:9000", "http://5.9.10.11:9000/check-ports", "no scheme"),
            ("a.example:9000", "http://a.example:9000/check-ports", "no scheme but a name"),
            ("a.example", "http://a.example/check-ports", "a name alone"),
            (" a.example ", "http://a.example/check-ports", "blanks around it"),
            ("[::1]:9000", "http://[::1]:9000/check-ports", "no scheme, IPv6"),
            ("http://a.example/check-ports", "http://a.example/check-ports", "a route"),
            (
                "http://a.example/docs/",
                "http://a.example/check-ports",
                "the route of the documents",
            ),
            ("http://a.example/sub/check-ports/", "http://a.example/sub/check-ports", "both"),
            ("a.example:9000/ip?x=1#y", "http://a.example:9000/check-ports", "everything"),
        ];
        for (text, expected, why) in cases {
            let server = ServerUrl::parse(text).expect(why);
            assert_eq!(server.check_ports.to_string(), expected, "{why}");
        }
        let server = ServerUrl::parse("http://a.example/sub/").unwrap();
        assert_eq!(server.keys.to_string(), "http://a.example/sub/.well-known/jwks.json");
        let server = ServerUrl::parse("5.9.10.11:9000/check-ports").unwrap();
        assert_eq!(server.as_str(), "http://5.9.10.11:9000");
        assert_eq!(server.other_scheme(), "https://5.9.10.11:9000");
    }

    #[test]
    fn texts_that_are_no_address_with_the_reason() {
        let cases = [
            ("", "it has no host"),
            ("http://", "it has no host"),
            ("ftp://a.example", "expected http:// or https://, not ftp://"),
            ("http://user:secret@a.example", "expected neither user nor password"),
            ("http://a.example:65536", "the port is not a number from 0 to 65535"),
            ("a.example:http", "the port is not a number from 0 to 65535"),
            ("::1", "an IPv6 address needs brackets, such as [::1]:9000"),
            ("http://2001:db8::1/ip", "an IPv6 address needs brackets, such as [2001:db8::1]:9000"),
            ("http://[::1:9000", "the text in brackets is not an IPv6 address"),
            ("http://[a.example]", "the text in brackets is not an IPv6 address"),
            ("300.1.1.1:9000", "it ends in a number, but is no IPv4 address"),
            ("http://a b:9", "it has a character that no address has"),
            ("http://a\"b:9", "it has a character that no address has"),
            ("http://xn--a:9", "it has a character that no address has"),
        ];
        for (text, expected) in cases {
            let error = ServerUrl::parse(text).expect_err(text);
            assert_eq!(error.reason, expected, "{text}");
            assert!(error.to_string().contains(&format!("'{}'", shown(text))), "{error}");
        }
    }

    #[test]
    fn texts_are_shown_without_secrets_and_control_characters() {
        let cases = [
            ("ftp://a.example", "ftp://a.example"),
            ("http://user:secret@a.example", "http://…@a.example"),
            ("user:secret@a.example:x", "…@a.example:x"),
            ("http://user:sec@ret@[::1", "http://…@[::1"),
            ("\u{1b}[2Jftp://a\r\n", r"\u{1b}[2Jftp://a\r\n"),
            ("http://a\u{200b}:x", r"http://a\u{200b}:x"),
        ];
        for (given, expected) in cases {
            let error = ServerUrl::parse(given).expect_err(given);
            assert_eq!(error.url, expected);
        }
    }

    #[test]
    fn addresses_of_this_machine_and_of_its_networks() {
        let cases = [
            ("127.0.0.1:9000", true, "this machine"),
            ("http://[::1]", true, "this machine, over IPv6"),
            ("https://localhost./x", true, "its name"),
            ("192.168.1.1", true, "a home network"),
            ("[fe80::1]", true, "the link"),
            ("[fd00::1]", true, "a network over IPv6"),
            ("[::ffff:10.0.0.1]", true, "an IPv4-mapped address"),
            ("5.9.10.11", false, "the Internet"),
            ("100.64.0.1", false, "the network of a provider"),
            ("[2001:db8::1]", false, "the Internet over IPv6"),
            ("localhost.example", false, "another name"),
        ];
        for (text, expected, why) in cases {
            assert_eq!(ServerUrl::parse(text).expect(why).is_local(), expected, "{why}");
        }
    }

    #[test]
    fn the_family_of_a_literal() {
        let family = |text| ServerUrl::parse(text).unwrap().only_family();
        assert_eq!(family("192.0.2.1:9000"), Some(Family::Ipv4));
        assert_eq!(family("http://[::ffff:192.0.2.1]"), Some(Family::Ipv4));
        assert_eq!(family("http://[2001:db8::1]"), Some(Family::Ipv6));
        assert_eq!(family("checker.example"), None);
    }
}
