//! The one line that the log has of a request.
//!
//! The macros of `tracing` need the name of each field in the source. Here there is one field for each
//! [`Reason`], whose names are known to `api` alone, so the event is built from the types below the macros.

use std::{array, net::IpAddr, sync::LazyLock};

use axum::http::StatusCode;
use port_checker_api::Reason;
use tracing::{
    Event, Level, Metadata, Value,
    dispatcher::get_default,
    field::{DisplayValue, Field, FieldSet, display},
};
use tracing_core::{Callsite, Kind, callsite::Identifier, subscriber::Interest};

use super::check_summary::{TargetName, VerdictCounts};
use crate::error::Failure;

/// The fields before the reasons; the last field is behind them.
const FIRST_FIELDS: [&str; 12] = [
    "message",
    "caller",
    "method",
    "route",
    "user_agent",
    "status",
    "code",
    "error",
    "transport",
    "target",
    "ports",
    "open",
];

const LAST_FIELD: &str = "duration_ms";

const FIELD_COUNT: usize = FIRST_FIELDS.len() + Reason::ALL.len() + 1;

static FIELD_NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let reasons = Reason::ALL.iter().map(|reason| reason.name());
    FIRST_FIELDS.into_iter().chain(reasons).chain([LAST_FIELD]).collect()
});

/// The result of a request, as the log has it.
pub(super) struct LogLine<'a> {
    pub(super) caller: IpAddr,
    pub(super) method: &'a str,
    pub(super) route: &'a str,
    pub(super) user_agent: Option<&'a str>,
    /// None if the client left before there was an answer, or before its end.
    pub(super) status: Option<StatusCode>,
    pub(super) failure: Option<&'a Failure>,
    pub(super) counts: Option<&'a VerdictCounts>,
    pub(super) duration_ms: u64,
}

impl LogLine<'_> {
    /// The level of the line, and its message.
    fn kind(&self) -> (&'static LineKind, &'static str) {
        match self.status {
            None => (&INFO, "abandoned by the client"),
            Some(status) if status.is_server_error() => (&WARN, "failed"),
            Some(status) if status.is_client_error() => (&INFO, "rejected"),
            Some(_) if self.counts.is_some() => (&INFO, "checked"),
            Some(_) => (&DEBUG, "answered"),
        }
    }

    /// Writes the line, if its level is logged.
    pub(super) fn write(&self) {
        let (kind, message) = self.kind();
        let (message, caller) = (display(message), display(self.caller));
        let status = self.status.map(|status| status.as_u16());
        let code = self.failure.map(|failure| failure.code.name());
        let error = self.failure.map(|failure| failure.message.as_str());
        let target: Option<DisplayValue<&TargetName>> =
            self.counts.map(|counts| display(&counts.target));
        let transport = self.counts.map(|counts| counts.transport);
        let ports = self.counts.map(|counts| counts.ports);
        let open = self.counts.map(|counts| counts.open);
        let reasons: [Option<usize>; Reason::ALL.len()] = array::from_fn(|index| {
            self.counts.and_then(|counts| counts.not_open(Reason::ALL[index]))
        });
        let first: [Option<&dyn Value>; FIRST_FIELDS.len()] = [
            Some(&message),
            Some(&caller),
            Some(&self.method),
            Some(&self.route),
            value(&self.user_agent),
            value(&status),
            value(&code),
            value(&error),
            value(&transport),
            value(&target),
            value(&ports),
            value(&open),
        ];
        let reasons = reasons.iter().map(value);
        let last: Option<&dyn Value> = Some(&self.duration_ms);
        kind.dispatch(&first.into_iter().chain(reasons).chain([last]).collect::<Vec<_>>());
    }
}

fn value<T: Value>(value: &Option<T>) -> Option<&dyn Value> {
    value.as_ref().map(|value| value as &dyn Value)
}

/// A kind of event, as `tracing` knows it.
struct LineKind {
    level: Level,
    metadata: LazyLock<Metadata<'static>>,
}

static WARN: LineKind =
    LineKind { level: Level::WARN, metadata: LazyLock::new(|| WARN.new_metadata()) };
static INFO: LineKind =
    LineKind { level: Level::INFO, metadata: LazyLock::new(|| INFO.new_metadata()) };
static DEBUG: LineKind =
    LineKind { level: Level::DEBUG, metadata: LazyLock::new(|| DEBUG.new_metadata()) };

impl LineKind {
    fn new_metadata(&'static self) -> Metadata<'static> {
        let fields = FieldSet::new(&FIELD_NAMES, Identifier(self));
        let (file, line, module) = (Some(file!()), Some(line!()), Some(module_path!()));
        Metadata::new("request", MODULE, self.level, file, line, module, fields, Kind::EVENT)
    }

    fn dispatch(&'static self, values: &[Option<&dyn Value>]) {
        let metadata = &*self.metadata;
        get_default(|subscriber| {
            if subscriber.enabled(metadata) {
                let fields: Vec<Field> = metadata.fields().iter().collect();
                let pairs: [(&Field, Option<&dyn Value>); FIELD_COUNT] =
                    std::array::from_fn(|index| (&fields[index], values[index]));
                subscriber.event(&Event::new(metadata, &metadata.fields().value_set(&pairs)));
            }
        });
    }
}

/// The module that lines name, for those who filter by it.
const MODULE: &str = "port_checker_server::access_log";

impl Callsite for LineKind {
    // Asked at each event instead of once: there is one event a request.
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &self.metadata
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        fmt::Debug,
        net::Ipv4Addr,
        sync::{Arc, Mutex},
    };

    use port_checker_probe::Verdict;
    use tracing::{
        Subscriber,
        field::Visit,
        span::{Attributes, Id, Record},
        subscriber::with_default,
    };

    use super::*;
    use crate::observe::check_summary::CheckSummary;

    /// Keeps the fields of the last event.
    #[derive(Clone, Default)]
    struct Fields(Arc<Mutex<HashMap<&'static str, String>>>);

    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.lock().unwrap().insert(field.name(), format!("{value:?}"));
        }
    }

    impl Subscriber for Fields {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() <= Level::INFO
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            event.record(&mut self.clone());
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    fn logged(
        status: Option<u16>,
        counts: Option<&VerdictCounts>,
    ) -> HashMap<&'static str, String> {
        let line = LogLine {
            caller: Ipv4Addr::LOCALHOST.into(),
            method: "POST",
            route: "/check-ports",
            user_agent: None,
            status: status.map(|status| StatusCode::from_u16(status).unwrap()),
            failure: None,
            counts,
            duration_ms: 7,
        };
        let fields = Fields::default();
        with_default(fields.clone(), || line.write());
        fields.0.lock().unwrap().clone()
    }

    #[test]
    fn every_reason_has_a_field() {
        let summary = CheckSummary::default();
        summary.begin_address(Ipv4Addr::LOCALHOST.into(), "udp");
        Reason::ALL.iter().for_each(|&reason| summary.count(Verdict::NotOpen(reason)));
        let fields = logged(Some(200), summary.read().as_ref());
        for &reason in Reason::ALL {
            assert_eq!(fields.get(reason.name()).map(String::as_str), Some("1"), "{reason:?}");
        }
        assert_eq!(fields["message"], "checked");
        assert_eq!(fields["transport"], "\"udp\"");
        assert_eq!(fields["duration_ms"], "7");
    }

    #[test]
    fn results_and_their_messages() {
        let cases = [
            (Some(503), Some("failed")),
            (Some(403), Some("rejected")),
            (None, Some("abandoned by the client")),
            (Some(200), None),
        ];
        for (status, message) in cases {
            let fields = logged(status, None);
            assert_eq!(fields.get("message").map(String::as_str), message, "{status:?}");
            assert!(Reason::ALL.iter().all(|reason| !fields.contains_key(reason.name())));
        }
    }
}
