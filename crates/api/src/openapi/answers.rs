//! Schemas of answers that do not follow from the Rust types.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Object, ObjectBuilder, Ref, RefOr, Schema, Type, schema::AnyOfBuilder},
};

use crate::{
    ChallengeOutcome, ErrorCode, ErrorDetail, Icmp, IcmpMessage, PortResult, Reason, Results,
};

type Schemas = Vec<(String, RefOr<Schema>)>;

/// A word of a set that later versions may extend. A client that was generated from this document must be able to
/// read the answers of a later checker, as [`Extensible`](crate::Extensible) can.
fn extensible<T: ToSchema>(description: &str) -> AnyOfBuilder {
    let later = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("A word that a later version may add."));
    AnyOfBuilder::new()
        .item(Ref::from_schema_name(T::name()))
        .item(later)
        .description(Some(description))
}

fn null() -> Object {
    ObjectBuilder::new().schema_type(Type::Null).build()
}

/// Adds the schema of `T`, and those that it refers to.
fn add<T: ToSchema>(schemas: &mut Schemas) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

fn code() -> Schema {
    extensible::<ErrorCode>("For a program: one of the set of the checker's version.").into()
}

fn reason() -> Schema {
    let description = "Why not, in one word; null for an accessible port.";
    extensible::<Reason>(description).item(null()).into()
}

fn challenge() -> Schema {
    let description = "The outcome of the challenge; null when none was asked for, or no connection was established.";
    extensible::<ChallengeOutcome>(description).item(null()).into()
}

fn message() -> Schema {
    extensible::<IcmpMessage>("The message.").into()
}

fn icmp() -> Schema {
    AnyOfBuilder::new()
        .item(Ref::from_schema_name(Icmp::name()))
        .item(null())
        .description(Some(
            "The ICMP message of a router or the host, and its sender; null when there was none, or the message is of \
             a rarer kind.",
        ))
        .into()
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
        add::<PortResult>(schemas);
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
    #[schema(schema_with = reason, required = false)]
    reason: Option<Reason>,
    /// How often the port was tried.
    #[schema(required = false, minimum = 1)]
    attempts: u32,
    /// How long the attempt that decided took, in milliseconds.
    #[schema(required = false, minimum = 0)]
    connect_ms: f64,
    #[schema(schema_with = challenge, required = false)]
    challenge: Option<ChallengeOutcome>,
    #[schema(schema_with = icmp, required = false)]
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
        add::<Reason>(schemas);
        add::<ChallengeOutcome>(schemas);
        add::<Icmp>(schemas);
    }
}

/// The error, for a program and for a person.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the fields of ErrorDetail, with the words of later versions")]
struct ExtensibleErrorDetail {
    #[schema(schema_with = code)]
    code: ErrorCode,
    /// For a person: names the offending value and the values that would be accepted.
    message: String,
}

impl PartialSchema for ErrorDetail {
    fn schema() -> RefOr<Schema> {
        ExtensibleErrorDetail::schema()
    }
}

impl ToSchema for ErrorDetail {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ErrorDetail")
    }

    fn schemas(schemas: &mut Schemas) {
        add::<ErrorCode>(schemas);
    }
}

/// An ICMP message about a probe.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the fields of Icmp, with the words of later versions")]
struct ExtensibleIcmp {
    #[schema(schema_with = message)]
    message: IcmpMessage,
    /// Who sent it: a router on the way, or the host itself.
    from: String,
}

impl PartialSchema for Icmp {
    fn schema() -> RefOr<Schema> {
        ExtensibleIcmp::schema()
    }
}

impl ToSchema for Icmp {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Icmp")
    }

    fn schemas(schemas: &mut Schemas) {
        add::<IcmpMessage>(schemas);
    }
}

/// The messages that a checker of this version sends.
impl PartialSchema for IcmpMessage {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(Self::ALL.map(Self::name)))
            .description(Some(
                "The meaning of an ICMP \"destination unreachable\" message (RFC 792, RFC 1812, RFC 4443).",
            ))
            .into()
    }
}

impl ToSchema for IcmpMessage {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("IcmpMessage")
    }
}
