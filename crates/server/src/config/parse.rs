//! From the text of a setting to its value. An error says which values would be accepted.

use std::{
    fmt::Display,
    fs,
    net::IpAddr,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use axum::http::HeaderValue;
use ipnet::IpNet;
use url::Url;

use super::model::CorsOrigins;

pub(super) fn boolean(text: &str) -> Result<bool, String> {
    one_of(text, &[("true", true), ("false", false)])
}

/// One of a few words.
pub(super) fn one_of<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| *word == text);
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" or "))
}

/// The word for a value of [`one_of`].
pub(super) fn word<T: PartialEq>(value: &T, words: &[(&str, T)]) -> String {
    let found = words.iter().find(|(_, other)| other == value);
    found.expect("every value has its word").0.to_owned()
}

/// Nothing, for an empty text.
pub(super) fn optional<T: FromStr>(text: &str) -> Result<Option<T>, T::Err> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

/// The path of a file whose contents will do; nothing, for an empty text.
pub(super) fn file(text: &str, will_do: fn(&[u8]) -> bool) -> Result<Option<PathBuf>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match fs::read(text) {
        Ok(contents) if will_do(&contents) => Ok(Some(text.into())),
        Ok(_) => Err("there is none in it".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn whole<T>(text: &str, range: RangeInclusive<T>) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display,
{
    text.parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("a whole number from {} to {}", range.start(), range.end()))
}

pub(super) fn seconds(text: &str, range: RangeInclusive<f64>) -> Result<Duration, String> {
    text.parse()
        .ok()
        .filter(|seconds| range.contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("a number of seconds from {} to {}", range.start(), range.end()))
}

/// Comma-separated prefixes; an address alone is a prefix of full length.
pub(super) fn prefixes(text: &str) -> Result<Vec<IpNet>, String> {
    let parts = text.split(',').map(str::trim);
    parts.filter(|part| !text.is_empty() || !part.is_empty()).map(prefix).collect()
}

fn prefix(part: &str) -> Result<IpNet, String> {
    let address = || part.parse::<IpAddr>().map(IpNet::from).ok();
    let parsed = part.parse().ok().or_else(address);
    let prefix: IpNet = parsed.ok_or_else(|| {
        format!(
            "a comma-separated list such as 198.51.100.0/24,2001:db8::/32, of which '{part}' is no part"
        )
    })?;
    if prefix != prefix.trunc() {
        return Err(format!("{} where it says '{part}'", prefix.trunc()));
    }
    match prefix {
        IpNet::V6(mapped) if mapped.addr().to_ipv4_mapped().is_some() => {
            Err(format!("an IPv4 prefix instead of the IPv4-mapped '{part}'"))
        }
        prefix => Ok(prefix),
    }
}

pub(super) fn list<T: Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

pub(super) fn origins(text: &str) -> Result<CorsOrigins, String> {
    if text == "*" {
        return Ok(CorsOrigins::Any);
    }
    text.split(',').map(str::trim).map(origin).collect::<Result<_, _>>().map(CorsOrigins::Only)
}

/// An origin of this service, over HTTP or HTTPS; nothing for an empty text.
pub(super) fn own_origin(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let sent = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    // Exactly an origin, which has no character that ends an attribute of HTML.
    let sent = sent.map(|url| url.origin().ascii_serialization()).filter(|origin| origin == text);
    sent.map(Some)
        .ok_or_else(|| "an origin without a path, such as https://ipv6.example.org".into())
}

/// Scheme, host and perhaps port, exactly as browsers send it (RFC 6454, section 6.2).
fn origin(part: &str) -> Result<HeaderValue, String> {
    let sent = Url::parse(part).ok().map(|url| url.origin().ascii_serialization());
    let value = HeaderValue::from_str(part).ok().filter(|_| sent.as_deref() == Some(part));
    value.filter(|_| !part.contains('*')).ok_or_else(|| {
        format!(
            "* or a comma-separated list such as https://example.org, of which '{part}' is no part"
        )
    })
}

/// The value of a setting, or nothing.
pub(super) fn shown_if_any(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// The name of a file, or nothing.
pub(super) fn path(value: Option<&Path>) -> String {
    value.map(|path| path.display().to_string()).unwrap_or_default()
}
