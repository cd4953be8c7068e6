//! The reasons why a value cannot be a claim's.

/// A value that a claim cannot have, by the kind of the claim. No message repeats the value, which may come from
/// anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidClaim {
    /// Not an [`Issuer`](crate::Issuer).
    #[error(
        "an issuer is an http or https URL in its normal form, without user, query, fragment or final slash, of at \
         most 256 characters, such as https://checker.example.net"
    )]
    Issuer,
    /// Not a [`TokenId`](crate::TokenId).
    #[error("the id of a statement has 1 to 128 printable ASCII characters")]
    TokenId,
    /// Not an [`Audience`](crate::Audience).
    #[error("an audience is one string of 1 to 128 printable ASCII characters")]
    Audience,
    /// Not a [`Nonce`](crate::Nonce).
    #[error("a nonce has 1 to 128 printable ASCII characters")]
    Nonce,
    /// Not an [`Address`](crate::Address).
    #[error(
        "an address is one of IPv4 or IPv6 in its shortest form, such as 192.0.2.7 or 2001:db8::7"
    )]
    Address,
    /// Not a [`Transport`](port_checker_api::Transport).
    #[error("a transport is tcp or udp")]
    Transport,
    /// Not [`OpenPorts`](crate::OpenPorts).
    #[error(
        "open ports are a list in ascending order in which no range touches the next, such as 7466,50800-50899"
    )]
    OpenPorts,
    /// Not a [`Challenge`](port_checker_api::Challenge).
    #[error("a challenge has 16 to 128 printable ASCII characters")]
    Challenge,
    /// Not a [`Vantage`](crate::Vantage).
    #[error(
        "a vantage is a code of 1 to 32 letters, digits and hyphens with one of the registries AFRINIC, APNIC, ARIN, \
         LACNIC and RIPE, such as fra1:RIPE"
    )]
    Vantage,
    /// Not a [`Timestamp`](crate::Timestamp).
    #[error("a time is a whole number of seconds since 1970, before the year 10000")]
    Timestamp,
    /// Not a [`Validity`](crate::Validity).
    #[error("a statement is valid for 1 to 86400 seconds after it was issued")]
    Validity,
}
