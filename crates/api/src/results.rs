//! The results of a check, by port.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};

use crate::{ChallengeOutcome, Extensible, Icmp, Port, Reason};

/// The result for one port.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PortResult {
    /// Whether a TCP connection to the port was established and not reset at once and, with a challenge, whether
    /// its listener sent that.
    pub accessible: bool,
    /// Why not, in words; null for an accessible port.
    pub error: Option<Cow<'static, str>>,
    /// Present when the request was `verbose`.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub details: Option<PortDetails>,
}

impl PortResult {
    /// The result for a port that is accessible.
    pub const fn accessible() -> Self {
        Self { accessible: true, error: None, details: None }
    }

    /// The result for a port that is not, and why.
    pub const fn not_accessible(reason: Reason) -> Self {
        Self { accessible: false, error: Some(Cow::Borrowed(reason.text())), details: None }
    }
}

/// The fields that a `verbose` request adds to each port.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PortDetails {
    /// Why the port is not accessible; null for an accessible port.
    pub reason: Option<Extensible<Reason>>,
    /// How often the port was tried; at least 1.
    pub attempts: u32,
    /// How long the attempt that decided took, in milliseconds.
    pub connect_ms: f64,
    /// The outcome of the challenge; null when none was asked for, or no connection was established.
    pub challenge: Option<Extensible<ChallengeOutcome>>,
    /// The ICMP message of a router or the host, and its sender; null when there was none, or the message is of a rarer
    /// kind.
    #[serde(default)]
    pub icmp: Option<Icmp>,
}

/// One [`PortResult`] per port, in the order asked. In JSON an object whose keys are the ports.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Results(Vec<(Port, PortResult)>);

impl Results {
    /// The result for `port`, if it was asked for. Takes time in proportion to the number of ports.
    pub fn get(&self, port: u16) -> Option<&PortResult> {
        self.iter().find(|(asked, _)| asked.get() == port).map(|(_, result)| result)
    }

    /// The results in the order asked.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &(Port, PortResult)> {
        self.0.iter()
    }

    /// How many ports there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Port, PortResult)> for Results {
    fn from_iter<I: IntoIterator<Item = (Port, PortResult)>>(results: I) -> Self {
        Self(results.into_iter().collect())
    }
}

impl IntoIterator for Results {
    type Item = (Port, PortResult);
    type IntoIter = std::vec::IntoIter<(Port, PortResult)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Serialize for Results {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(port, result)| (port, result)))
    }
}

impl<'de> Deserialize<'de> for Results {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Results;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object whose keys are ports")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Results, A::Error> {
                let mut results = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    results.push(entry);
                }
                Ok(Results(results))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::IcmpMessage;

    #[test]
    fn ports_keep_the_order_asked() {
        let json = r#"{"9":{"accessible":true,"error":null},"10":{"accessible":true,"error":null},"8":{"accessible":true,"error":null}}"#;
        let results: Results = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&results).unwrap(), json);
    }

    #[test]
    fn verbose_adds_five_fields_and_plain_adds_none() {
        let details = PortDetails {
            reason: Some(Reason::TimedOut.into()),
            attempts: 3,
            connect_ms: 5000.25,
            challenge: None,
            icmp: None,
        };
        let plain = PortResult::not_accessible(Reason::TimedOut);
        let verbose = PortResult { details: Some(details), ..plain.clone() };
        let cases = [
            (plain, r#"{"accessible":false,"error":"Connection timed out"}"#),
            (
                verbose,
                concat!(
                    r#"{"accessible":false,"error":"Connection timed out","reason":"timed_out","#,
                    r#""attempts":3,"connect_ms":5000.25,"challenge":null,"icmp":null}"#
                ),
            ),
        ];
        for (result, json) in cases {
            assert_eq!(serde_json::to_string(&result).unwrap(), json);
            assert_eq!(serde_json::from_str::<PortResult>(json).unwrap(), result);
        }
    }

    #[test]
    fn who_said_what_over_icmp() {
        let from_an_older_checker = r#"{"accessible":false,"error":null,"reason":"refused","attempts":1,"connect_ms":1.0,"challenge":null}"#;
        let older: PortResult = serde_json::from_str(from_an_older_checker).unwrap();
        assert_eq!(older.details.unwrap().icmp, None);
        let icmp = Icmp { message: IcmpMessage::PortUnreachable, from: [203, 0, 113, 1].into() };
        assert_eq!(
            serde_json::to_string(&icmp).unwrap(),
            r#"{"message":"port_unreachable","from":"203.0.113.1"}"#
        );
    }

    #[test]
    fn words_of_another_checker_are_kept_as_they_are() {
        let json = r#"{"accessible":false,"error":"[Errno 101] Network is unreachable"}"#;
        let result: PortResult = serde_json::from_str(json).unwrap();
        assert_eq!(result.error.as_deref(), Some("[Errno 101] Network is unreachable"));
    }
}
