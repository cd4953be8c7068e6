//! Schemas that do not follow from the Rust types.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Array, KnownFormat, Object, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat, Type,
        schema::{AnyOfBuilder, ArrayBuilder},
    },
};

use crate::{Challenge, ChallengeOutcome, Icmp, PortResult, Reason, Results, Transport};

type Schemas = Vec<(String, RefOr<Schema>)>;

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

/// A transport, or null.
pub(crate) fn transport() -> Schema {
    let names = Transport::ALL.iter().map(|transport| transport.name());
    let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
    AnyOfBuilder::new()
        .item(name)
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

/// A list of ports. The server adds its limit.
pub(crate) fn ports() -> Array {
    let port =
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(u16::MAX));
    ArrayBuilder::new()
        .items(port)
        .description(Some("The ports to check. Repeats are checked once."))
        .build()
}

impl PartialSchema for Results {
    fn schema() -> RefOr<Schema> {
        let port =
            ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[1-9][0-9]{0,4}$"));
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .property_names(Some(port))
            .additional_properties(Some(Ref::from_schema_name(PortResult::name())))
            .description(Some("One entry per port, in the order asked; the key is the port."))
            .into()
    }
}

impl ToSchema for Results {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Results")
    }

    fn schemas(schemas: &mut Schemas) {
        schemas.push((PortResult::name().into_owned(), PortResult::schema()));
        PortResult::schemas(schemas);
    }
}

/// The result for one port. The fields from `reason` on are present when the request was
/// `verbose`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the fields of PortResult as they stand in JSON, side by side")]
struct FlatPortResult {
    /// Whether a TCP connection to the port was established and not reset at once and, with a challenge, whether
    /// its listener sent that; over UDP, whether the port answered with the challenge.
    accessible: bool,
    /// Why not, in words; null for an accessible port.
    #[schema(required = true)]
    error: Option<String>,
    /// Why not, in one word; null for an accessible port.
    reason: Option<Reason>,
    /// How often the port was tried.
    #[schema(required = false, minimum = 1)]
    attempts: u32,
    /// How long the attempt that decided took, in milliseconds.
    #[schema(required = false, minimum = 0)]
    connect_ms: f64,
    /// The outcome of the challenge; null when none was asked for, or no connection was established.
    challenge: Option<ChallengeOutcome>,
    /// The ICMP message of a router or the host, and its sender; null when there was none, or the message is of a rarer
    /// kind.
    icmp: Option<Icmp>,
}

impl PartialSchema for PortResult {
    fn schema() -> RefOr<Schema> {
        FlatPortResult::schema()
    }
}

impl ToSchema for PortResult {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PortResult")
    }

    fn schemas(schemas: &mut Schemas) {
        FlatPortResult::schemas(schemas);
    }
}
