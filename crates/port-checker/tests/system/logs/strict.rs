//! JSON as strict programs read it.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// A value in whose objects each key is there once. Most parsers keep one of several, and not the same.
pub(super) struct Strict(pub(super) Value);

/// Reads a line.
pub(super) fn parse(line: &str) -> Value {
    let Strict(value) =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
    value
}

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON whose keys are there once")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some((key, Strict(value))) = map.next_entry::<String, Strict>()? {
            if values.contains_key(&key) {
                return Err(A::Error::custom(format!("the key '{key}' is there twice")));
            }
            values.insert(key, value);
        }
        Ok(values.into())
    }
}

#[test]
fn a_key_that_is_there_twice_is_found() {
    let cases = [
        (r#"{"a":1,"b":[{"c":null}],"d":-1.5,"e":"x","f":true}"#, true),
        (r#"{"a":1,"a":1}"#, false),
        (r#"{"a":[{"b":1,"b":2}]}"#, false),
        (r#"{"a":1}{"a":1}"#, false),
    ];
    for (text, good) in cases {
        assert_eq!(serde_json::from_str::<Strict>(text).is_ok(), good, "{text}");
    }
}
