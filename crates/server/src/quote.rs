//! Texts of others, as messages and log lines show them.

/// How much of a stranger's text is shown, in characters: enough to recognise it, and too little to fill a log.
pub(crate) const MAX_QUOTED_CHARS: usize = 64;

/// How long a parser's words may be before and after its quotation, in characters; useful messages fit.
const MAX_REASON_CHARS: usize = 200;

/// The first `max_chars` characters of `value`, and an ellipsis if there are more. Characters that would
/// control, turn or hide text on a terminal are escaped. To escape twice changes nothing.
pub fn escaped(value: &str, max_chars: usize) -> String {
    let mut shown = String::new();
    for char in value.chars().take(max_chars) {
        match char {
            '"' | '\'' | '\\' => shown.push(char),
            _ => shown.extend(char.escape_debug()),
        }
    }
    if value.chars().nth(max_chars).is_some() {
        shown.push('…');
    }
    shown
}

/// A stranger's text, bounded and escaped.
pub(crate) fn shown(value: &str) -> String {
    escaped(value, MAX_QUOTED_CHARS)
}

/// The same in quotes, as a message names an offending value.
pub(crate) fn quoted(value: &str) -> String {
    format!("'{}'", shown(value))
}

/// The message of a parser. Its quotation of a stranger's text, from the first quotation mark to the last, is
/// bounded like every text of a stranger.
pub(crate) fn shortened(reason: impl ToString) -> String {
    let reason = reason.to_string();
    let Some(first) = reason.find(['"', '`']) else { return escaped(&reason, MAX_REASON_CHARS) };
    let (before, quoted) = reason.split_at(first + 1);
    let last = quoted.rfind(&before[first..]).unwrap_or(quoted.len());
    let (quoted, after) = quoted.split_at(last);
    let [before, after] = [before, after].map(|words| escaped(words, MAX_REASON_CHARS));
    format!("{before}{}{after}", shown(quoted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_are_bounded_and_escaped() {
        let long = "x".repeat(65);
        let cases = [
            ("GET", "'GET'", "as it is"),
            (r#"a\b "c" 'd'"#, r#"'a\b "c" 'd''"#, "nothing that controls a terminal"),
            ("über 日本", "'über 日本'", "letters of any language"),
            ("a\r\nb\u{1b}[2J", r"'a\r\nb\u{1b}[2J'", "a forged line, an escape sequence"),
            ("\u{202e}gpj.exe\u{200b}", r"'\u{202e}gpj.exe\u{200b}'", "turned and hidden text"),
            ("\u{9b}2J\u{7f}", r"'\u{9b}2J\u{7f}'", "controls beyond ASCII's first 32"),
            (&long, &format!("'{}…'", "x".repeat(64)), "more than 64 characters"),
        ];
        for (value, expected, why) in cases {
            assert_eq!(quoted(value), expected, "{why}");
        }
    }

    #[test]
    fn quotations_of_parsers_are_bounded() {
        let long = "x".repeat(1000);
        let cases = [
            ("EOF at line 1".to_owned(), "EOF at line 1".to_owned(), "nothing quoted"),
            (
                format!("invalid type: string \"{long}\", expected u16 at line 1 column 9"),
                format!(
                    "invalid type: string \"{}…\", expected u16 at line 1 column 9",
                    &long[..64]
                ),
                "a stranger's string",
            ),
            (
                format!("invalid type: string \"{long}\" {long}\", expected u16"),
                format!("invalid type: string \"{}…\", expected u16", &long[..64]),
                "a quotation mark within it",
            ),
            (format!("unknown `{long}"), format!("unknown `{}…", &long[..64]), "no end"),
            ("a \"\u{1b}[2J\" b".to_owned(), r#"a "\u{1b}[2J" b"#.to_owned(), "escaped"),
        ];
        for (reason, expected, why) in cases {
            assert_eq!(shortened(reason), expected, "{why}");
        }
    }
}
