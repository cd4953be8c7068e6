//! From the text of an argument to its value. An error names the accepted forms.

use std::{
    ffi::OsStr,
    io,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    time::Duration,
};

use clap::{
    Arg, Command,
    builder::{PossibleValue, RangedI64ValueParser, StringValueParser, TypedValueParser},
    error::ErrorKind,
    value_parser,
};
use humantime::{format_duration, parse_duration};
use port_checker_client::{Checker, CheckerBuilder, Roots};

use crate::pace::{MAX_INTERVAL, MIN_LOCAL_INTERVAL};

/// Takes the address of a checker. A text that cannot be used is not shown as it was given: it may have a
/// password in it.
#[derive(Clone)]
pub(super) struct CheckerParser;

impl TypedValueParser for CheckerParser {
    type Value = CheckerBuilder;

    fn parse_ref(
        &self,
        command: &Command,
        _argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<CheckerBuilder, clap::Error> {
        Checker::builder(&value.to_string_lossy()).map_err(|invalid| {
            clap::Error::raw(ErrorKind::ValueValidation, format!("{invalid}\n")).with_cmd(command)
        })
    }
}

/// Takes any text, which is validated with the other settings; shells complete these.
#[derive(Clone)]
pub(super) struct SuggestedValues(pub(super) Vec<&'static str>);

impl TypedValueParser for SuggestedValues {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}

pub(super) fn roots(path: &str) -> Result<Roots, String> {
    let pem = std::fs::read(path).map_err(|error| unreadable(&error))?;
    Roots::from_pem(&pem).map_err(|error| error.to_string())
}

pub(crate) fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file",
        io::ErrorKind::PermissionDenied => "this user may not read the file",
        io::ErrorKind::IsADirectory => "it is a directory, not a file",
        _ => "the file cannot be read",
    }
    .to_owned()
}

/// An address, as in a URL in brackets or not.
pub(super) fn ip(text: &str) -> Result<IpAddr, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let bare = bare.filter(|bare| bare.contains(':')).unwrap_or(text);
    bare.parse().map_err(|_| {
        let surplus = match text {
            _ if text.parse::<SocketAddr>().is_ok() => "without a port",
            _ if text.contains('/') => "without a prefix length",
            _ if text.contains('%') => "without a zone",
            _ => "and no name",
        };
        format!("expected an address such as 203.0.113.7 or 2001:db8::7, {surplus}")
    })
}

pub(super) fn quorum(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|&count| count > 0);
    count.ok_or_else(|| "expected a number of checkers, 1 or more".to_owned())
}

/// The time between two rounds of `--every`.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    const RANGE: RangeInclusive<Duration> = MIN_LOCAL_INTERVAL..=MAX_INTERVAL;
    let interval = parse_duration(text.trim()).ok().filter(|interval| RANGE.contains(interval));
    interval.ok_or_else(|| {
        let (least, most) = (format_duration(*RANGE.start()), format_duration(*RANGE.end()));
        format!("expected a duration such as 90s, 15m or 1h, from {least} to {most}")
    })
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    const RANGE: RangeInclusive<f64> = 0.1..=3600.0;
    let expected = || format!("expected seconds from {} to {}", RANGE.start(), RANGE.end());
    let seconds: f64 = text.parse().map_err(|_| expected())?;
    if RANGE.contains(&seconds) { Ok(Duration::from_secs_f64(seconds)) } else { Err(expected()) }
}

/// UPnP knows no longer lease than a week.
pub(super) fn lease_seconds() -> RangedI64ValueParser<u32> {
    value_parser!(u32).range(1..=604_800)
}
