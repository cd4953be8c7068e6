//! The schema of the body of `POST /check-ports`: its fields, and the field that another one requires.

use std::borrow::Cow;

use port_checker_api::{Attest, CheckRequest, Transport};
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr, Schema, Type,
        schema::{AllOfBuilder, AnyOfBuilder, ObjectBuilder, SchemaType},
    },
};

/// A [`CheckRequest`] that has a challenge if its transport or a statement requires one.
pub(super) struct CheckBody;

impl PartialSchema for CheckBody {
    fn schema() -> RefOr<Schema> {
        let (with, without): (Vec<Transport>, Vec<Transport>) =
            Transport::ALL.iter().partition(|transport| transport.requires_challenge());
        let with: Vec<String> = with.iter().map(|it| format!("`{}`", it.name())).collect();
        let description = format!(
            "The body of `POST /check-ports`. With {} or `attest` it has a `challenge`.",
            with.join(" or ")
        );
        let names = without.iter().map(|transport| json!(transport)).chain([Value::Null]);
        let transport =
            ObjectBuilder::new().schema_type(SchemaType::AnyValue).enum_values(Some(names)).build();
        let null = ObjectBuilder::new().schema_type(Type::Null).build();
        let text = ObjectBuilder::new().schema_type(Type::String).build();
        let alternatives = AnyOfBuilder::new()
            .item(ObjectBuilder::new().property("transport", transport).property("attest", null))
            .item(ObjectBuilder::new().property("challenge", text).required("challenge"));
        let fields = Ref::from_schema_name(CheckRequest::name());
        AllOfBuilder::new()
            .item(fields)
            .item(Schema::from(alternatives.build()))
            .description(Some(description))
            .into()
    }
}

impl ToSchema for CheckBody {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("CheckBody")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((CheckRequest::name().into_owned(), CheckRequest::schema()));
        schemas.push((<Attest as ToSchema>::name().into_owned(), Attest::schema()));
        schemas.push((<Transport as ToSchema>::name().into_owned(), Transport::schema()));
        CheckRequest::schemas(schemas);
    }
}
