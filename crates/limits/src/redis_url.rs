//! The address of a Redis, with a password that must not be shown.

use std::{fmt, str::FromStr};

use redis::{Client, IntoConnectionInfo};

/// The address of a Redis: `redis://`, `rediss://` for TLS, or `unix://`. Shown without its
/// credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

const SCHEMES: [&str; 3] = ["redis://", "rediss://", "unix://"];

impl RedisUrl {
    pub(crate) fn client(&self) -> Client {
        Client::open(self.0.as_str()).expect("the address was parsed before")
    }
}

/// The accepted forms, and how a password has to be written: one with a reserved character in it
/// (RFC 3986, section 2.2) is why most addresses cannot be parsed.
const EXPECTED: &str = "redis://[user:password@]host[:port][/database], the same with rediss:// for \
    TLS, or unix:///path; in user and password write % as %25, / as %2F, ? as %3F, # as %23, @ as \
    %40 and : as %3A";

/// The text is no address of a Redis; the message names the accepted forms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{EXPECTED}")]
pub struct InvalidRedisUrl;

impl FromStr for RedisUrl {
    type Err = InvalidRedisUrl;

    fn from_str(text: &str) -> Result<Self, InvalidRedisUrl> {
        let known = SCHEMES.iter().any(|scheme| text.starts_with(scheme));
        match text.into_connection_info() {
            Ok(_) if known && !is_cut_short(text) => Ok(Self(text.to_owned())),
            _ => Err(InvalidRedisUrl),
        }
    }
}

/// Whether a character of the password ended the host, so that the rest of the password would be
/// taken for something else, and its beginning for the host.
fn is_cut_short(url: &str) -> bool {
    let network = url.split_once("://").filter(|(scheme, _)| *scheme != "unix");
    let after_host = network.and_then(|(_, rest)| rest.find(['/', '?', '#']).map(|at| &rest[at..]));
    after_host.is_some_and(|rest| rest.contains('@'))
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.0))
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

/// A URL with stars instead of its credentials and its query.
fn masked(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?***"));
    let rest = rest.rsplit_once('@').map_or(rest.to_owned(), |(_, host)| format!("***@{host}"));
    format!("{scheme}://{rest}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_shown() {
        let cases = [
            ("redis://host:6379/1", "redis://host:6379/1", "none to hide"),
            ("rediss://user:secret@host", "rediss://***@host", "user and password"),
            ("redis://:se@cret@host", "redis://***@host", "a password with an @"),
            ("unix:///run/redis.sock?pass=secret", "unix:///run/redis.sock?***", "in the query"),
        ];
        for (url, shown, why) in cases {
            let parsed: RedisUrl = url.parse().unwrap();
            assert_eq!(parsed.to_string(), shown, "{why}");
            assert_eq!(format!("{parsed:?}"), format!("RedisUrl({shown})"), "{why}");
        }
    }

    #[test]
    fn a_password_that_must_be_encoded_is_not_taken_for_a_host() {
        let cases = [
            ("redis://:se/cret@host", "ends the host"),
            ("redis://se/cret@host", "the same without a colon"),
            ("redis://se?cret@host", "begins a query"),
            ("redis://se#cret@host", "begins a fragment"),
            ("redis://:secret@host:port", "not a port"),
            ("http://:secret@host", "another protocol"),
        ];
        for (url, why) in cases {
            let said = url.parse::<RedisUrl>().unwrap_err().to_string();
            assert!(said.contains("write % as %25") && !said.contains("cret"), "{why}: {said}");
        }
    }
}
