//! Texts that signed statements repeat.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that a statement repeats: 1 to 128 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClaimText(String);

impl ClaimText {
    /// The most characters.
    pub const MAX_LENGTH: usize = 128;

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that no statement repeats.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("1 to {} printable ASCII characters", ClaimText::MAX_LENGTH)]
pub struct InvalidClaimText;

impl TryFrom<String> for ClaimText {
    type Error = InvalidClaimText;

    fn try_from(text: String) -> Result<Self, InvalidClaimText> {
        let length = (1..=Self::MAX_LENGTH).contains(&text.len());
        let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if length && printable { Ok(Self(text)) } else { Err(InvalidClaimText) }
    }
}

impl FromStr for ClaimText {
    type Err = InvalidClaimText;

    fn from_str(text: &str) -> Result<Self, InvalidClaimText> {
        text.to_owned().try_into()
    }
}

impl From<ClaimText> for String {
    fn from(text: ClaimText) -> Self {
        text.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_statements_repeat() {
        let cases = [
            ("x".to_owned(), true, "the shortest"),
            ("~ ".repeat(64), true, "the longest, of the last and the first character"),
            (String::new(), false, "nothing"),
            ("x".repeat(129), false, "too long"),
            ("a\nb".to_owned(), false, "a line feed"),
            ("é".to_owned(), false, "beyond ASCII"),
            ("\x7f".to_owned(), false, "a control character"),
        ];
        for (text, valid, why) in cases {
            assert_eq!(
                text.parse::<ClaimText>().is_ok_and(|it| it.as_str() == text),
                valid,
                "{why}"
            );
            let json = serde_json::to_string(&text).unwrap();
            assert_eq!(serde_json::from_str::<ClaimText>(&json).is_ok(), valid, "{why}");
        }
    }
}
