//! Files of variables as systemd reads them (`EnvironmentFile=` in systemd.exec(5)).
//!
//! Unlike a shell it knows no `export`, no comment behind a value and no substitution; and what it
//! cannot use it passes over.

use std::{iter::Peekable, str::Chars};

/// The contents of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// The line that each begins on, its name and its value. Of equal names the last counts.
    pub(super) assignments: Vec<(usize, String, String)>,
    /// Lines that probably mean something else than they do, and why.
    pub(super) warnings: Vec<(usize, String)>,
}

/// Reads a file as systemd does.
pub(super) fn read(text: &str) -> Reading {
    let mut reader = Reader { chars: text.chars().peekable(), line: 1 };
    let mut reading = Reading::default();
    while reader.skip_blanks() {
        let line = reader.line;
        match reader.assignment() {
            Part::Comment { continued: true } => reading.warn(
                line,
                "a comment that ends with a backslash goes on in the next line before systemd 254",
            ),
            Part::Comment { continued: false } => {}
            Part::Words(words) => reading.add_words(line, &words),
            Part::Assignment(name, value) => reading.add(line, name, value),
        }
    }
    reading
}

impl Reading {
    fn add(&mut self, line: usize, name: String, value: Value) {
        if !is_name(&name) {
            return self.add_words(line, &name);
        }
        if value.has_comment {
            self.warn(line, "a comment behind a value is part of the value");
        }
        self.assignments.push((line, name, value.text));
    }

    fn add_words(&mut self, line: usize, words: &str) {
        let exported =
            words.strip_prefix("export").is_some_and(|rest| rest.starts_with([' ', '\t']));
        self.warn(
            line,
            match exported {
                true => "systemd knows no 'export' and passes the line over: remove the word",
                false => "not of the form NAME=value: systemd passes it over",
            },
        );
    }

    fn warn(&mut self, line: usize, warning: &str) {
        self.warnings.push((line, warning.to_owned()));
    }
}

fn is_name(name: &str) -> bool {
    let plain = |char: char| char.is_ascii_alphanumeric() || char == '_';
    name.chars().all(plain) && !name.starts_with(|char: char| char.is_ascii_digit())
}

/// The kind of a line, or of one that continues over several.
enum Part {
    Comment {
        continued: bool,
    },
    /// There is no equals sign.
    Words(String),
    Assignment(String, Value),
}

#[derive(Default)]
struct Value {
    text: String,
    /// How much of the text is not blanks at its end, in bytes.
    kept: usize,
    /// Whether it has a `#` behind a blank, outside of quotes.
    has_comment: bool,
}

impl Value {
    fn keep(&mut self, char: char) {
        self.text.push(char);
        self.kept = self.text.len();
    }
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    line: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.chars.next();
        self.line += usize::from(next == Some('\n'));
        next
    }

    /// Whether there is anything else.
    fn skip_blanks(&mut self) -> bool {
        while self.chars.peek().is_some_and(|&char| is_blank(char)) {
            self.next();
        }
        self.chars.peek().is_some()
    }

    fn assignment(&mut self) -> Part {
        let mut name = String::new();
        while let Some(char) = self.next() {
            match char {
                '#' | ';' if name.is_empty() => return self.comment(),
                '=' => return Part::Assignment(name.trim_end().to_owned(), self.value()),
                _ if is_line_end(char) => break,
                _ => name.push(char),
            }
        }
        Part::Words(name)
    }

    fn comment(&mut self) -> Part {
        let mut last = ' ';
        while let Some(char) = self.next().filter(|&char| !is_line_end(char)) {
            last = char;
        }
        Part::Comment { continued: last == '\\' && self.chars.peek().is_some() }
    }

    /// Quotes count where the value begins, and again behind a quoted part.
    fn value(&mut self) -> Value {
        let mut value = Value::default();
        let (mut quotes_count, mut before) = (true, ' ');
        while let Some(char) = self.next().filter(|&char| !is_line_end(char)) {
            match char {
                '\'' if quotes_count => self.single_quoted(&mut value),
                '"' if quotes_count => self.double_quoted(&mut value),
                '\\' => {
                    quotes_count = false;
                    value.kept = value.text.len();
                    if let Some(escaped) = self.next().filter(|&char| !is_line_end(char)) {
                        value.keep(escaped);
                    }
                }
                _ if is_blank(char) && quotes_count => {}
                _ if is_blank(char) => value.text.push(char),
                _ => {
                    quotes_count = false;
                    value.has_comment |= char == '#' && is_blank(before);
                    value.keep(char);
                }
            }
            before = char;
        }
        value.text.truncate(value.kept);
        value
    }

    fn single_quoted(&mut self, value: &mut Value) {
        while let Some(char) = self.next().filter(|&char| char != '\'') {
            value.keep(char);
        }
    }

    fn double_quoted(&mut self, value: &mut Value) {
        while let Some(char) = self.next().filter(|&char| char != '"') {
            match char {
                '\\' => match self.next() {
                    Some(escaped) if "\"\\`$".contains(escaped) => value.keep(escaped),
                    Some('\n') | None => {}
                    Some(other) => {
                        value.keep('\\');
                        value.keep(other);
                    }
                },
                _ => value.keep(char),
            }
        }
    }
}

fn is_blank(char: char) -> bool {
    " \t\n\r".contains(char)
}

fn is_line_end(char: char) -> bool {
    "\n\r".contains(char)
}

#[cfg(test)]
mod tests;
