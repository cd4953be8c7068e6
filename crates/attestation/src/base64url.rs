//! Base64url without padding, in its one canonical spelling (RFC 7515, section 2; RFC 4648, sections 3.5 and 5).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The text of some bytes.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a text; none for one that [`encode`] would have spelt differently.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The same, for a known number of bytes.
pub(crate) fn decode_exactly<const N: usize>(text: &str) -> Option<[u8; N]> {
    decode(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_spelling_for_each_sequence_of_bytes() {
        let cases = [
            ("", Some(&b""[..]), "nothing"),
            ("_-8", Some(&[0xff, 0xef]), "both characters of the alphabet for URLs"),
            ("/+8", None, "the other alphabet"),
            ("_-8=", None, "padding"),
            ("_-9", None, "a bit set behind the last byte"),
            ("_-8A9", None, "a length that no bytes have"),
            ("_-8\n", None, "a line feed"),
            (" _-8", None, "a blank"),
        ];
        for (text, bytes, why) in cases {
            assert_eq!(decode(text).as_deref(), bytes, "{why}");
        }
        assert_eq!(decode_exactly("_-8"), Some([0xff, 0xef]));
        assert_eq!(decode_exactly::<3>("_-8"), None);
    }

    proptest! {
        #[test]
        fn texts_that_are_read_are_those_that_are_written(text in "[A-Za-z0-9_=+/-]{0,12}") {
            if let Some(bytes) = decode(&text) {
                prop_assert_eq!(encode(bytes), text);
            }
        }
    }
}
