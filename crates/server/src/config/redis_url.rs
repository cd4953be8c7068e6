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

impl FromStr for RedisUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = SCHEMES.iter().any(|scheme| text.starts_with(scheme));
        match text.into_connection_info() {
            Ok(_) if known => Ok(Self(text.to_owned())),
            _ => {
                Err("redis://[user:password@]host[:port][/database], the same with rediss:// for \
                      TLS, or unix:///path"
                    .to_owned())
            }
        }
    }
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

/// A URL with stars for whatever stands before the host, and for what a query may say.
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
            assert!(!format!("{parsed:?}").contains("secret"), "{why}");
        }
    }
}
