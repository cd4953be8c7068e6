//! The file `.env`: lines `NAME=value`, most of which may be meant for other programs.
//!
//! It is read as python-dotenv reads it for the Python service, except that nothing is substituted:
//! `p$ss` is `p$ss`, and `${NAME}`, which python-dotenv would replace, is an error.

/// A line that is ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: usize,
    pub(super) name: String,
    /// The value, or the problem of the line.
    pub(super) value: Result<String, &'static str>,
}

const NO_ASSIGNMENT: &str = "expected NAME=value";
const NOT_UTF8: &str = "the value is not UTF-8";
const OPEN_QUOTE: &str = "the quotation mark has no second one on this line";
const AFTER_QUOTE: &str = "something follows the quoted value; expected nothing or a comment";
const SUBSTITUTION: &str =
    "${…} is not substituted; write the value itself, or in single quotes if it is meant so";

/// The lines that set a variable that `is_ours` knows. Every other line is skipped.
pub(super) fn lines(contents: &[u8], is_ours: impl Fn(&str) -> bool) -> Vec<Line> {
    let text = String::from_utf8_lossy(contents);
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    let mut found = Vec::new();
    let mut next = 0;
    while let Some(line) = lines.get(next) {
        next += 1;
        let (name, rest) = named(line);
        let value = rest.trim_start().strip_prefix('=');
        if is_ours(name) {
            let value = value.ok_or(NO_ASSIGNMENT).and_then(read);
            found.push(Line { number: next, name: name.to_owned(), value });
        } else if let (false, Some(value)) = (name.is_empty(), value) {
            next += lines_of_value(value, &lines[next..]);
        }
    }
    found
}

/// The name at the beginning of a line, and the rest of it.
fn named(line: &str) -> (&str, &str) {
    let line = line.trim_start();
    let exported = line.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
    // A quoted name is no assignment, and its line may be ours all the same.
    let line = exported.unwrap_or(line).trim_start().trim_start_matches(['\'', '"']);
    let end = line.find(|char: char| !char.is_ascii_alphanumeric() && char != '_');
    line.split_at(end.unwrap_or(line.len()))
}

/// How many of `further` lines belong to a value that begins with a quotation mark. None where it is
/// never closed, or something follows the second mark: then the first was not meant as one.
fn lines_of_value(value: &str, further: &[&str]) -> usize {
    let value = value.trim_start();
    let Some(quote) = value.chars().next().filter(|char| "'\"`".contains(*char)) else { return 0 };
    if closing(&value[1..], quote).is_some() {
        return 0;
    }
    let last = further.iter().enumerate().find_map(|(last, line)| {
        let end = closing(line, quote)?;
        Some((last, &line[end + 1..]))
    });
    last.filter(|(_, after)| is_nothing(after)).map_or(0, |(last, _)| last + 1)
}

/// Whether only a comment follows a quoted value, if anything.
fn is_nothing(after: &str) -> bool {
    let after = after.trim_start();
    after.is_empty() || after.starts_with('#')
}

/// The position of the quotation mark that closes a quotation which begins with `text`.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, char)| {
        let closes = char == quote && !escaped;
        escaped = char == '\\' && !escaped;
        closes.then_some(at)
    })
}

/// The text after the equals sign.
fn read(text: &str) -> Result<String, &'static str> {
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(NOT_UTF8);
    }
    let text = text.trim_end();
    let Some(quote) = text.trim_start().chars().next().filter(|char| "'\"".contains(*char)) else {
        let value = without_comment(text).trim();
        return if value.contains("${") { Err(SUBSTITUTION) } else { Ok(value.to_owned()) };
    };
    let inside = &text.trim_start()[1..];
    let end = closing(inside, quote).ok_or(OPEN_QUOTE)?;
    let (inside, after) = (&inside[..end], &inside[end + 1..]);
    match quote {
        _ if !is_nothing(after) => Err(AFTER_QUOTE),
        '\'' => Ok(unescaped(inside, "'\\")),
        _ if inside.contains("${") => Err(SUBSTITUTION),
        _ => Ok(unescaped(inside, "\"'\\$")),
    }
}

/// A comment begins with `#` behind a blank: a password may have one in it.
fn without_comment(text: &str) -> &str {
    let mut before = '=';
    let comment = text.find(|char: char| {
        let begins = char == '#' && before.is_whitespace();
        before = char;
        begins
    });
    &text[..comment.unwrap_or(text.len())]
}

/// The text within quotes: a backslash removes the special meaning of these characters.
fn unescaped(text: &str, special: &str) -> String {
    let mut value = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let escaped = chars.next_if(|next| char == '\\' && special.contains(*next));
        value.push(escaped.unwrap_or(char));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(contents: &[u8]) -> Vec<(usize, String, Result<String, &'static str>)> {
        let lines = lines(contents, |name| name.starts_with("OURS"));
        lines.into_iter().map(|line| (line.number, line.name, line.value)).collect()
    }

    #[test]
    fn values() {
        let cases = [
            ("OURS=5", "5", "as it is"),
            ("  export OURS = 5  ", "5", "exported, with blanks"),
            ("OURS=", "", "nothing"),
            ("OURS=p$ss", "p$ss", "nothing is substituted"),
            ("OURS=\"p$ss\"", "p$ss", "in double quotes neither"),
            ("OURS='${HOME}'", "${HOME}", "single quotes: as it is"),
            ("OURS=5 # five", "5", "a comment"),
            ("OURS= # none", "", "a comment alone"),
            ("OURS=#5", "#5", "no comment without a blank"),
            ("OURS=p#ss", "p#ss", "in a password neither"),
            ("OURS=\"5\" # five", "5", "a comment behind quotes"),
            ("OURS='a # b'", "a # b", "no comment in quotes"),
            ("OURS=a, b", "a, b", "a blank within"),
            (r#"OURS="a\"b\\c\$d\n""#, r#"a"b\c$d\n"#, "escaped in double quotes"),
            (r"OURS='a\'b\\c\$d'", r"a'b\c\$d", "escaped in single quotes"),
            (r"OURS=a\b\\c", r"a\b\\c", "no escapes outside of quotes"),
            ("OURS=#a #b", "#a", "only the second one begins a comment"),
            ("OURS=5\r", "5", "a line end of Windows"),
            ("\u{feff}OURS=5", "5", "a byte-order mark"),
        ];
        for (line, value, why) in cases {
            let expected = (1, "OURS".to_owned(), Ok(value.to_owned()));
            assert_eq!(read_all(line.as_bytes()), [expected], "{why}");
        }
    }

    #[test]
    fn lines_that_are_ours_and_wrong() {
        let cases: [(&[u8], &str, &str); 11] = [
            (b"OURS: 5", NO_ASSIGNMENT, "as YAML writes it"),
            (b"OURS 5", NO_ASSIGNMENT, "a blank"),
            (b"OURS", NO_ASSIGNMENT, "the name alone"),
            (b"'OURS'=5", NO_ASSIGNMENT, "a quoted name"),
            (b"OURS='5", OPEN_QUOTE, "an open quotation mark"),
            (b"OURS=\"5\\\"", OPEN_QUOTE, "one that is escaped"),
            (b"OURS='5\\'", OPEN_QUOTE, "the same in single quotes"),
            (b"OURS=\"${HOME}\"", SUBSTITUTION, "to be substituted in double quotes"),
            (b"OURS='5'6", AFTER_QUOTE, "more behind it"),
            (b"OURS=${HOME}/x", SUBSTITUTION, "to be substituted"),
            (b"OURS=\xff", NOT_UTF8, "another encoding"),
        ];
        for (line, wrong, why) in cases {
            assert_eq!(read_all(line), [(1, "OURS".to_owned(), Err(wrong))], "{why}");
        }
    }

    #[test]
    fn lines_of_others_are_passed_over() {
        let contents = "KEY: value\nOTHER=it's\n---\n{\"a\": \"b\"}\nMULTI=\"one\nOURS=1\n\"\nOPEN='\n\
                        # OURS=2\n=OURS\nOURS=3\nOURS2='4'\n";
        let found = read_all(contents.as_bytes());
        let expected = [
            (11, "OURS".to_owned(), Ok("3".to_owned())),
            (12, "OURS2".to_owned(), Ok("4".to_owned())),
        ];
        assert_eq!(found, expected);
    }
}
