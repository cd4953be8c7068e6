//! The clients that proxies name: `X-Forwarded-For` and `Forwarded` (RFC 7239).
//!
//! Both yield the hops nearest first, and none for a hop that does not name itself.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, header::FORWARDED};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// How many hops are looked at, from the nearest. No honest chain of proxies is longer.
const MAX_HOPS: usize = 32;

type Hops = Vec<Option<IpAddr>>;

/// The hops of `X-Forwarded-For`, if it is there.
pub(super) fn x_forwarded_for(headers: &HeaderMap) -> Option<Hops> {
    let text = combined(headers, &X_FORWARDED_FOR)?;
    Some(text.rsplit(',').take(MAX_HOPS).map(|hop| node(unquoted(hop.trim()))).collect())
}

/// The hops of `Forwarded`, if it is there.
pub(super) fn forwarded(headers: &HeaderMap) -> Option<Hops> {
    let text = combined(headers, &FORWARDED)?;
    let Some(elements) = split(&text, ',') else { return Some(vec![None]) };
    Some(elements.into_iter().rev().take(MAX_HOPS).map(element).collect())
}

/// One element, such as `for=192.0.2.43;proto=https`.
fn element(text: &str) -> Option<IpAddr> {
    let pairs = split(text, ';')?;
    let mut hops = pairs.into_iter().filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then_some(value)
    });
    let hop = hops.next()?;
    if hops.next().is_some() { None } else { node(unquoted(hop)) }
}

/// An address as the headers write it: alone, in brackets, or with a port.
fn node(text: &str) -> Option<IpAddr> {
    let bare = |text: &str| text.trim_start_matches('[').trim_end_matches(']').parse().ok();
    let with_port = || {
        let (address, port) = text.rsplit_once(':')?;
        let is_port = port.starts_with('_') || port.parse::<u16>().is_ok();
        let is_whole = address.ends_with(']') || !address.contains(':');
        if is_port && is_whole { bare(address) } else { None }
    };
    bare(text).or_else(with_port)
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

/// All lines of a header as one (RFC 9110, section 5.3).
fn combined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<_> =
        headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// Splits at `separator` outside of quotes; none where a quote does not end.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (index, char) in text.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if char == separator && !quoted => {
                parts.push(&text[start..index]);
                start = index + char.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (!quoted).then_some(parts)
}
