//! What a request says about the signed statement that it asks for.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::ClaimText;

/// Asks for a signed statement about the ports that are open and whose challenge matched. Unknown fields are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attest {
    /// The only reader that the statement is for. Left out or null: everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::audience, required = false))]
    pub audience: Option<ClaimText>,
    /// A value that the reader of the statement chose, which shows that it was made afterwards. Left out or null: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(schema_with = crate::openapi::nonce, required = false))]
    pub nonce: Option<ClaimText>,
}

/// Only an object: serde's own code for a struct takes an array for the fields in order, too.
impl<'de> Deserialize<'de> for Attest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            audience: Option<ClaimText>,
            nonce: Option<ClaimText>,
        }
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Attest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with audience and nonce, both of which can be left out")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Attest, A::Error> {
                let Fields { audience, nonce } =
                    Fields::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Attest { audience, nonce })
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// The statement of an answer: a field that is there and null says that no port qualified, and one that is missing that
/// none was asked for.
pub(crate) fn statement<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_that_ask_for_a_statement() {
        let cases = [
            ("{}", true, "neither"),
            (r#"{"audience":null,"nonce":null}"#, true, "null for neither"),
            (r#"{"audience":"a","nonce":"b","more":1}"#, true, "both, and an unknown field"),
            (r#"{"audience":1}"#, false, "a number"),
            (r#"{"nonce":""}"#, false, "nothing"),
            (r#"["a","b"]"#, false, "an array"),
            ("true", false, "a word"),
        ];
        for (json, good, why) in cases {
            assert_eq!(serde_json::from_str::<Attest>(json).is_ok(), good, "{why}");
        }
        let both: Attest = serde_json::from_str(r#"{"nonce":"b","audience":"a"}"#).unwrap();
        assert_eq!(serde_json::to_string(&both).unwrap(), r#"{"audience":"a","nonce":"b"}"#);
        assert_eq!(serde_json::to_string(&Attest::default()).unwrap(), "{}");
    }
}
