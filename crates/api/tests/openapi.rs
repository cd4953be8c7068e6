//! The JSON Schema of the types says what their parsers accept.

use port_checker_api::{
    Attest, CheckRequest, CheckResponse, ErrorDetail, Icmp, IcmpMessage, PortResult, Results,
    TlsCheckRequest, Transport,
};
use serde_json::{Value, json};
use utoipa::{PartialSchema, ToSchema};

fn schema<T: PartialSchema>() -> Value {
    serde_json::to_value(T::schema()).expect("a schema is JSON")
}

/// The alternatives of a field, without their descriptions.
fn alternatives(schema: &Value, field: &str) -> Value {
    schema["properties"][field]["anyOf"].clone()
}

#[test]
fn an_address_is_a_literal_of_either_family_or_left_out() {
    let (ipv4, ipv6) =
        (json!({"type": "string", "format": "ipv4"}), json!({"type": "string", "format": "ipv6"}));
    let null = json!({"type": "null"});
    let request = schema::<CheckRequest>();
    assert_eq!(alternatives(&request, "provider_ip"), json!([&ipv4, &ipv6, &null]));
    let request = schema::<TlsCheckRequest>();
    let empty = json!({"type": "string", "maxLength": 0});
    assert_eq!(alternatives(&request, "expected_ip"), json!([&ipv4, &ipv6, &empty, &null]));
    let name = json!({"type": "string", "format": "hostname", "maxLength": 253});
    assert_eq!(alternatives(&request, "host"), json!([&name, &ipv4, &ipv6]));
}

#[test]
fn a_challenge_and_ports_have_their_bounds() {
    let request = schema::<CheckRequest>();
    let text = json!({"type": "string", "pattern": "^[ -~]+$", "minLength": 16, "maxLength": 128});
    assert_eq!(alternatives(&request, "challenge"), json!([text, {"type": "null"}]));
    let port = json!({"type": "integer", "minimum": 1, "maximum": 65_535});
    assert_eq!(request["properties"]["ports"]["items"], port);
    assert_eq!(request["properties"]["ports"]["type"], "array");
}

#[test]
fn a_statement_is_asked_for_by_an_object_and_is_a_text_or_null() {
    let (request, attest) = (schema::<CheckRequest>(), schema::<Attest>());
    let reference = json!({"$ref": format!("#/components/schemas/{}", Attest::name())});
    assert_eq!(alternatives(&request, "attest"), json!([reference, {"type": "null"}]));
    let text = json!({"type": "string", "pattern": "^[ -~]+$", "minLength": 1, "maxLength": 128});
    for field in ["audience", "nonce"] {
        assert_eq!(alternatives(&attest, field), json!([text, {"type": "null"}]), "{field}");
    }
    let answer = schema::<CheckResponse>();
    assert_eq!(alternatives(&answer, "attestation")[1], json!({"type": "null"}));
    assert_eq!(answer["required"], json!(["success", "results", "message"]));
}

#[test]
fn a_transport_has_a_name_that_generators_can_use() {
    let transport = json!({"$ref": "#/components/schemas/Transport"});
    let request = schema::<CheckRequest>();
    assert_eq!(alternatives(&request, "transport"), json!([transport, {"type": "null"}]));
    let names: Vec<_> = Transport::ALL.iter().map(|transport| transport.name()).collect();
    assert_eq!(schema::<Transport>()["enum"], json!(names));
}

#[test]
fn results_are_keyed_by_port_and_refer_to_one_schema() {
    assert_eq!((Results::name(), PortResult::name()), ("Results".into(), "PortResult".into()));
    let results = schema::<Results>();
    assert_eq!(results["propertyNames"]["pattern"], "^[1-9][0-9]{0,4}$");
    assert_eq!(results["additionalProperties"]["$ref"], "#/components/schemas/PortResult");
    let mut schemas = Vec::new();
    Results::schemas(&mut schemas);
    let names: Vec<_> = schemas.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["PortResult", "Reason", "ChallengeOutcome", "Icmp"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    let result = schema::<PortResult>();
    let fields = result["properties"].as_object().expect("fields");
    let expected = ["accessible", "error", "reason", "attempts", "connect_ms", "challenge", "icmp"];
    assert_eq!(fields.len(), expected.len());
    assert!(expected.iter().all(|field| fields.contains_key(*field)), "{fields:?}");
    assert_eq!(result["required"], json!(["accessible", "error"]));
}

#[test]
fn messages_of_routers_are_the_words_that_serde_writes() {
    let words = IcmpMessage::ALL.map(|message| serde_json::to_value(message).unwrap());
    assert_eq!(schema::<IcmpMessage>()["enum"], json!(words));
}

/// A client that was generated from a closed set fails on the first word that is added to it.
#[test]
fn sets_that_grow_admit_words_of_later_versions() {
    let result = schema::<PortResult>();
    let (detail, icmp) = (schema::<ErrorDetail>(), schema::<Icmp>());
    let null = json!({"type": "null"});
    let cases = [
        (&detail, "code", "ErrorCode", None),
        (&icmp, "message", "IcmpMessage", None),
        (&result, "reason", "Reason", Some(&null)),
        (&result, "challenge", "ChallengeOutcome", Some(&null)),
    ];
    for (schema, field, known, null) in cases {
        let alternatives = alternatives(schema, field);
        let alternatives = alternatives.as_array().expect(field);
        assert_eq!(alternatives[0]["$ref"], format!("#/components/schemas/{known}"), "{field}");
        assert_eq!(alternatives[1]["type"], "string", "{field}");
        assert!(alternatives[1].get("enum").is_none(), "{field}");
        assert_eq!(alternatives.get(2), null, "{field}");
    }
}
