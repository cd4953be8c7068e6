//! JSON in which no object has a member twice. Parsers differ in which of two they believe (RFC 8259, section 4), and
//! a statement has one meaning.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// The members of an object.
pub(crate) type Members = BTreeMap<String, Value>;

/// The members of a text that is one object; none if it is not, or if an object at whatever depth has a member twice.
pub(crate) fn object(text: &[u8]) -> Option<Members> {
    match serde_json::from_slice(text).ok()? {
        Unambiguous(Value::Object(members)) => Some(members.into_iter().collect()),
        Unambiguous(_) => None,
    }
}

struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Self)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        let number = Number::from_f64(number);
        number.map(Value::Number).ok_or_else(|| E::custom("a number without end"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Unambiguous(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, Unambiguous(value))) = object.next_entry::<String, _>()? {
            if members.insert(name, value).is_some() {
                return Err(de::Error::custom("a member twice"));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn objects_without_a_member_twice() {
        let deep = |depth: usize| format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
        let cases = [
            ("{}", true, "nothing"),
            (r#" {"a": [null, true, -1, 1.5, "x", {"a": 2}], "b": {"a": 1}} "#, true, "every kind"),
            (r#"{"a": 1, "a": 1}"#, false, "twice"),
            (r#"{"a": 1, "\u0061": 2}"#, false, "twice, in two spellings"),
            (r#"{"b": {"a": 1, "a": 2}}"#, false, "twice within"),
            (r#"{"b": [{"a": 1, "a": 2}]}"#, false, "twice within a list"),
            (r#"[{"a": 1}]"#, false, "a list"),
            ("1", false, "a number"),
            ("", false, "no text"),
            (r#"{"a": 1} {"a": 1}"#, false, "two objects"),
            (r#"{"a": 1}x"#, false, "more text"),
            (r#"{"a": 1e999}"#, false, "a number without end"),
            (r#"{"a": NaN}"#, false, "no number"),
            (r#"{"a": 1,}"#, false, "a comma too many"),
            (r#"{'a': 1}"#, false, "other quotes"),
            ("{\"a\": \"\u{0}\"}", false, "a bare control character"),
            ("\u{feff}{}", false, "a byte order mark"),
            (&deep(100), true, "deep"),
            (&deep(100_000), false, "too deep for a stack"),
        ];
        for (text, read, why) in cases {
            assert_eq!(object(text.as_bytes()).is_some(), read, "{why}");
        }
        assert!(object(b"{\"a\": \"\xff\"}").is_none(), "no UTF-8");
    }

    proptest! {
        #[test]
        fn objects_are_read_as_by_the_crate(
            text in r#"\{"a":(-?[0-9]{1,25}(\.[0-9]{1,3})?|true|false|null|"[a-z]{0,3}"|\[1,"x"\]|\{"b":2\}),"c":\{\}\}"#
        ) {
            let theirs: Option<Members> = serde_json::from_str(&text).ok();
            prop_assert_eq!(object(text.as_bytes()), theirs);
        }
    }
}
