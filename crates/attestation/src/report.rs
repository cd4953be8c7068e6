//! The examination of several tokens, for a person.

use std::{collections::BTreeSet, fmt, num::NonZeroUsize};

use crate::{
    quorum::{MAX_OF_ONE_RIR, QuorumResult, ambiguous, proven},
    timestamp::Timestamp,
    verification::Statement,
    verify_error::VerifyError,
};

/// The columns, but for the last.
const HEADINGS: [&str; 5] = ["STATEMENT", "ISSUER", "VANTAGE", "ADDRESS", "VALID FOR"];

/// The heading of the last column, whose texts may be long.
const LAST_HEADING: &str = "OPEN PORTS";

/// A token, after it was verified or was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Where it was found, such as a file and a line in it.
    pub source: String,
    /// Its statement, or why it is not believed.
    pub outcome: Result<Statement, VerifyError>,
}

/// The examination of several tokens. [`Display`](fmt::Display) is a table of the statements, a line for each token
/// that is not believed, and, if a quorum was asked for, the ports that it proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    examined: Vec<Examined>,
    now: Timestamp,
    quorum: Option<Quorum>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Quorum {
    required: NonZeroUsize,
    results: Vec<QuorumResult>,
    /// The trusted sets of keys whose statements do not count.
    ambiguous: BTreeSet<usize>,
}

impl Report {
    /// Reports on some tokens; `required` issuers are to agree, if that is asked.
    pub fn new(examined: Vec<Examined>, now: Timestamp, required: Option<NonZeroUsize>) -> Self {
        let statements: Vec<Statement> =
            examined.iter().filter_map(|token| token.outcome.clone().ok()).collect();
        let quorum = required.map(|required| Quorum {
            required,
            results: proven(&statements, required),
            ambiguous: ambiguous(&statements),
        });
        Self { examined, now, quorum }
    }

    /// Whether they prove something. Without a quorum: there is a token, and all are believed. With one: about each
    /// address and transport that believed tokens name, enough issuers agree on at least one port.
    pub fn holds(&self) -> bool {
        match &self.quorum {
            None => !self.examined.is_empty() && self.examined.iter().all(|it| it.outcome.is_ok()),
            Some(Quorum { results, .. }) => {
                !results.is_empty() && results.iter().all(|result| result.proven.is_some())
            }
        }
    }

    fn rows(&self) -> Vec<([String; 5], String)> {
        let believed = self.examined.iter().filter_map(|token| {
            let claims = token.outcome.as_ref().ok()?.claims();
            let cells = [
                token.source.clone(),
                claims.issuer.to_string(),
                claims.vantage.as_ref().map_or("-".to_owned(), ToString::to_string),
                claims.address.to_string(),
                minutes(claims.validity.expires_at(), self.now),
            ];
            Some((cells, format!("{} {}", claims.transport.name(), claims.open)))
        });
        believed.collect()
    }
}

/// The time that is left, with the minute that has begun.
fn minutes(end: Timestamp, now: Timestamp) -> String {
    let left = end.seconds().saturating_sub(now.seconds()).div_ceil(60);
    if left == 1 { "1 minute".to_owned() } else { format!("{left} minutes") }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        if !rows.is_empty() {
            table(f, rows)?;
        }
        for token in &self.examined {
            if let Err(error) = &token.outcome {
                writeln!(f, "{}: not believed: {error}", token.source)?;
            }
        }
        match &self.quorum {
            Some(quorum) => self.conclusions(quorum, f),
            None => Ok(()),
        }
    }
}

impl Report {
    fn conclusions(&self, quorum: &Quorum, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for token in &self.examined {
            let Ok(statement) = &token.outcome else { continue };
            if quorum.ambiguous.contains(&statement.authority()) {
                writeln!(f, "{}: not counted: its keys sign in several names", token.source)?;
            }
        }
        if quorum.results.is_empty() {
            writeln!(f, "No statement counts: nothing is proven")?;
        }
        quorum.results.iter().try_for_each(|result| conclusion(result, quorum.required.get(), f))
    }
}

fn table(f: &mut fmt::Formatter<'_>, rows: Vec<([String; 5], String)>) -> fmt::Result {
    let headings = (HEADINGS.map(str::to_owned), LAST_HEADING.to_owned());
    let lines: Vec<_> = std::iter::once(headings).chain(rows).collect();
    let width = |column: usize| lines.iter().map(|(cells, _)| cells[column].chars().count()).max();
    let widths: [usize; 5] = std::array::from_fn(|column| width(column).unwrap_or_default());
    for (cells, last) in &lines {
        for (cell, width) in cells.iter().zip(widths) {
            write!(f, "{cell:width$}  ")?;
        }
        writeln!(f, "{last}")?;
    }
    Ok(())
}

fn conclusion(result: &QuorumResult, required: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let subject = format!("{} over {}", result.address, result.transport.name());
    if let Some(ports) = &result.proven {
        let issuers = if required == 1 { "issuer" } else { "issuers" };
        writeln!(f, "{subject}: proven by at least {required} {issuers}: {ports}")?;
    }
    if let Some(ports) = &result.not_proven {
        let or = if required > MAX_OF_ONE_RIR { ", or all of one registry" } else { "" };
        writeln!(f, "{subject}: not proven: {ports} (fewer than {required} issuers{or})")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{
        Claims, Expectations, SigningKey, TrustStore,
        samples::{NOW, at, claims, key, key_set},
    };

    use super::*;

    /// Signs claims and examines the tokens, with some of the keys trusted.
    fn examined(said: &[(&SigningKey, Claims)], keys: &[SigningKey]) -> Vec<Examined> {
        let mut trusted = TrustStore::default();
        for key in keys {
            trusted.add(None, key_set(key)).unwrap();
        }
        let expectations = Expectations::new(&trusted, at(NOW));
        let tokens = (1..).zip(said).map(|(number, (key, claims))| {
            let outcome = expectations.verify(&key.sign(claims).unwrap());
            Examined { source: format!("proofs:{number}"), outcome }
        });
        tokens.collect()
    }

    fn required(number: usize) -> Option<NonZeroUsize> {
        NonZeroUsize::new(number)
    }

    #[test]
    fn a_table_reasons_and_conclusions() {
        let keys = [key(), key(), key()];
        let far = Claims { vantage: "fra1:RIPE".parse().ok(), ..claims("checker-1") };
        let other = Claims { open: "50800-50801,65535".parse().unwrap(), ..claims("b") };
        let marked = Claims { audience: "market".parse().ok(), ..claims("c") };
        let elsewhere = Claims { address: "2001:db8::7".parse().unwrap(), ..claims("b") };
        let said = [(&keys[0], far), (&keys[1], other), (&keys[2], marked), (&keys[1], elsewhere)];
        let report = Report::new(examined(&said, &keys), at(NOW + 61), required(2));
        assert_eq!(
            report.to_string(),
            "\
STATEMENT  ISSUER                     VANTAGE    ADDRESS      VALID FOR    OPEN PORTS
proofs:1   https://checker-1.example  fra1:RIPE  192.0.2.7    119 minutes  tcp 7466,50800-50899
proofs:2   https://b.example          -          192.0.2.7    119 minutes  tcp 50800-50801,65535
proofs:4   https://b.example          -          2001:db8::7  119 minutes  tcp 7466,50800-50899
proofs:3: not believed: the statement is for one audience only; it is accepted where that audience is expected
192.0.2.7 over tcp: proven by at least 2 issuers: 50800-50801
192.0.2.7 over tcp: not proven: 7466,50802-50899,65535 (fewer than 2 issuers)
2001:db8::7 over tcp: not proven: 7466,50800-50899 (fewer than 2 issuers)
"
        );
        assert!(!report.holds(), "one address is not proven");
    }

    #[test]
    fn proofs_without_and_with_a_quorum() {
        let keys = [key(), key(), key()];
        let stranger = key();
        let say = |said: &[(&SigningKey, &str)]| {
            let said: Vec<_> = said.iter().map(|&(key, name)| (key, claims(name))).collect();
            examined(&said, &keys)
        };
        let [a, b, c] = &keys;
        let cases = [
            (say(&[]), None, false, "nothing"),
            (say(&[]), required(1), false, "nothing, with a quorum"),
            (say(&[(a, "a")]), None, true, "one"),
            (say(&[(a, "a"), (&stranger, "b")]), None, false, "one of two"),
            (
                say(&[(a, "a"), (&stranger, "b")]),
                required(1),
                true,
                "one of two, and one is enough",
            ),
            (
                say(&[(a, "a"), (&stranger, "b")]),
                required(2),
                false,
                "one of two, and two are needed",
            ),
            (say(&[(a, "a"), (b, "b"), (&stranger, "b")]), required(2), true, "two of three"),
            (
                say(&[(a, "a"), (b, "b"), (c, "c")]),
                required(3),
                true,
                "three, who do not say where",
            ),
            (say(&[(a, "a"), (a, "b")]), required(1), false, "one, in two names"),
        ];
        for (examined, required, holds, why) in cases {
            assert_eq!(Report::new(examined, at(NOW), required).holds(), holds, "{why}");
        }
    }

    #[test]
    fn words_for_few_and_for_one() {
        let keys = [key()];
        let said = [(&keys[0], claims("a"))];
        let text = |now, quorum| {
            Report::new(examined(&said, &keys), at(now), required(quorum)).to_string()
        };
        assert!(text(NOW + 7_141, 1).contains("  1 minute   tcp "), "{}", text(NOW + 7_141, 1));
        assert!(text(NOW + 7_201, 1).contains("  0 minutes  tcp "));
        assert!(text(NOW, 1).ends_with("proven by at least 1 issuer: 7466,50800-50899\n"));
        assert!(text(NOW, 3).ends_with(" (fewer than 3 issuers, or all of one registry)\n"));
        let several = [(&keys[0], claims("a")), (&keys[0], claims("b"))];
        let text = Report::new(examined(&several, &keys), at(NOW), required(1)).to_string();
        assert!(
            text.contains("\nproofs:1: not counted: its keys sign in several names\nproofs:2: ")
        );
        assert!(text.ends_with("\nNo statement counts: nothing is proven\n"));
        let stranger = [(&key(), claims("a"))];
        let text = Report::new(examined(&stranger, &keys), at(NOW), None).to_string();
        assert!(text.starts_with("proofs:1: not believed: the key "), "no table: {text}");
    }
}
