//! Schemas that do not follow from the Rust types: here those of requests.

use utoipa::{
    ToSchema,
    openapi::{
        Array, KnownFormat, Object, ObjectBuilder, Ref, Schema, SchemaFormat, Type,
        schema::{AnyOfBuilder, ArrayBuilder},
    },
};

use crate::{Challenge, ClaimText, Transport};

mod answers;

/// The address to check.
pub(crate) fn ip_literal() -> Schema {
    address_or_null(
        "The address to check: an IPv4 or IPv6 literal without zone, brackets or port. Left out or \
         null: the caller's own address as the checker sees it.",
    )
}

/// The address that a certificate should contain.
pub(crate) fn expected_ip() -> Schema {
    let empty = ObjectBuilder::new().schema_type(Type::String).max_length(Some(0));
    AnyOfBuilder::new()
        .item(literal(KnownFormat::Ipv4))
        .item(literal(KnownFormat::Ipv6))
        .item(empty)
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .description(Some(
            "An IPv4 or IPv6 literal that the certificate should contain too. Left out, null or empty: \
             none.",
        ))
        .into()
}

/// The name of a server.
pub(crate) fn host() -> Schema {
    let name = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Hostname)))
        .max_length(Some(253));
    AnyOfBuilder::new()
        .item(name)
        .item(literal(KnownFormat::Ipv4))
        .item(literal(KnownFormat::Ipv6))
        .description(Some("The name the server should prove to be."))
        .into()
}

fn address_or_null(description: &str) -> Schema {
    AnyOfBuilder::new()
        .item(literal(KnownFormat::Ipv4))
        .item(literal(KnownFormat::Ipv6))
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .description(Some(description))
        .into()
}

fn literal(format: KnownFormat) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(format)))
        .build()
}

/// A transport, or null. The schema of [`Transport`] is added where requests are.
pub(crate) fn transport() -> Schema {
    AnyOfBuilder::new()
        .item(Ref::from_schema_name(<Transport as ToSchema>::name()))
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .description(Some(
            "Left out or null: `tcp`. With `udp` only your own address is checked, a challenge is required, and a \
             port is accessible if it answers the checker's datagram as the documentation says.",
        ))
        .into()
}

/// A challenge, or null.
pub(crate) fn challenge() -> Schema {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[ -~]+$"))
        .min_length(Some(Challenge::MIN_LENGTH))
        .max_length(Some(Challenge::MAX_LENGTH));
    AnyOfBuilder::new()
        .item(text)
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .description(Some(
            "A line that your listeners send, followed by a line feed, to every client that connects; over UDP, the \
             end of every answer. A port whose listener sends anything else is not accessible.",
        ))
        .into()
}

/// What to ask for in a statement, or null. The schema of `Attest`, whose fields have schemas from
/// here, is added where requests are.
pub(crate) fn attest() -> Schema {
    AnyOfBuilder::new()
        .item(Ref::from_schema_name("Attest"))
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .description(Some(
            "Asks for a signed statement about the ports that are open and whose challenge matched; requires a \
             challenge, and a checker that has a key. Left out or null: none.",
        ))
        .into()
}

/// The reader of a statement, or null.
pub(crate) fn audience() -> Schema {
    claim_text("The only reader that the statement is for. Left out or null: everybody.")
}

/// The value that the reader of a statement chose, or null.
pub(crate) fn nonce() -> Schema {
    claim_text(
        "A value that the reader of the statement chose, which shows that it was made afterwards. Left out or null: \
         none.",
    )
}

fn claim_text(description: &str) -> Schema {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[ -~]+$"))
        .min_length(Some(1))
        .max_length(Some(ClaimText::MAX_LENGTH));
    AnyOfBuilder::new()
        .item(text)
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .description(Some(description))
        .into()
}

/// A statement, or null.
pub(crate) fn attestation() -> Schema {
    let token = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"));
    AnyOfBuilder::new()
        .item(token)
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .description(Some(
            "Present if a statement was asked for: a compact JWS (RFC 7515), or null if no port was open whose \
             challenge matched.",
        ))
        .into()
}

/// A list of ports. The server adds its limit.
pub(crate) fn ports() -> Array {
    let port =
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(u16::MAX));
    ArrayBuilder::new()
        .items(port)
        .description(Some("The ports to check. Repeats are checked once."))
        .build()
}
