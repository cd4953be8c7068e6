//! Claims that are short texts.

use std::{fmt, str::FromStr};

use crate::{base64url, invalid_claim::InvalidClaim};

/// The most characters of such a text, as the contract has it.
const MAX_CHARACTERS: usize = 128;

/// Whether a text is neither empty nor too long and shows as it is, on a terminal too.
fn is_valid(text: &str) -> bool {
    (1..=MAX_CHARACTERS).contains(&text.len())
        && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

macro_rules! text_claim {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The characters.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidClaim;

            fn from_str(text: &str) -> Result<Self, InvalidClaim> {
                if is_valid(text) { Ok(Self(text.to_owned())) } else { Err(InvalidClaim::$name) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_claim! {
    /// `jti`, the name of one statement: 1 to 128 printable ASCII characters. No two statements of an issuer share it.
    TokenId
}

text_claim! {
    /// `aud`, the only reader that a statement is for: 1 to 128 printable ASCII characters.
    Audience
}

text_claim! {
    /// `nonce`, which shows that a statement was made after its reader had chosen it: 1 to 128 printable ASCII
    /// characters.
    Nonce
}

impl TokenId {
    /// Names a statement by 128 bits, which are to be random.
    pub fn from_bytes(random: &[u8; 16]) -> Self {
        Self(base64url::encode(random))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_claims_can_have() {
        let cases = [
            ("x".to_owned(), true, "the shortest"),
            ("~ ".repeat(64), true, "the longest, of the last and the first character"),
            (String::new(), false, "nothing"),
            ("x".repeat(129), false, "too long"),
            ("a\nb".to_owned(), false, "a line feed"),
            ("a\x1b[2J".to_owned(), false, "an order to the terminal"),
            ("\x7f".to_owned(), false, "a control character"),
            ("é".to_owned(), false, "beyond ASCII"),
        ];
        for (text, valid, why) in cases {
            assert_eq!(
                text.parse::<Nonce>().ok().map(|it| it.to_string()),
                valid.then(|| text.clone()),
                "{why}"
            );
            assert_eq!(
                text.parse::<Audience>().ok().map(|it| it.to_string()),
                valid.then(|| text.clone()),
                "{why}"
            );
            assert_eq!(
                text.parse::<TokenId>().ok().map(|it| it.to_string()),
                valid.then(|| text.clone()),
                "{why}"
            );
        }
    }

    #[test]
    fn each_kind_has_its_own_words() {
        assert_eq!("".parse::<TokenId>(), Err(InvalidClaim::TokenId));
        assert_eq!("".parse::<Audience>(), Err(InvalidClaim::Audience));
        assert_eq!("".parse::<Nonce>(), Err(InvalidClaim::Nonce));
    }

    #[test]
    fn random_bytes_are_names() {
        let id = TokenId::from_bytes(&[0xff; 16]);
        assert_eq!(id.as_str(), "_____________________w");
        assert_eq!(id.as_str().parse(), Ok(id));
    }
}
