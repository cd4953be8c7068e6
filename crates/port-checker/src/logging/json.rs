//! Log lines as JSON, for programs: one object a line, each key once.

use std::fmt::{self, Debug};

use serde::Serializer;
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormattedFields,
        format::{JsonFields, Writer},
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// Writes the fields of an event, and those of the spans around it, beside each other.
pub(super) struct JsonLines;

impl<S> FormatEvent<S, JsonFields> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let about = event.metadata();
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut line = Line::default();
        line.put("timestamp", time.into());
        line.put("level", about.level().as_str().into());
        // The nearest span first: its fields win.
        let spans = context.event_scope().into_iter().flatten();
        let of_spans = spans.filter_map(|span| {
            let extensions = span.extensions();
            let fields = &extensions.get::<FormattedFields<JsonFields>>()?.fields;
            serde_json::from_str::<Map<String, Value>>(fields).ok()
        });
        let of_spans: Vec<_> = of_spans.flatten().collect();
        event.record(&mut line);
        for (key, value) in of_spans {
            line.put(&key, value);
        }
        line.put("module", about.target().into());
        writeln!(writer, "{}", line.text()?)
    }
}

/// Keys in the order they come, each once: the first counts.
#[derive(Default)]
struct Line(Vec<(String, Value)>);

impl Line {
    fn put(&mut self, key: &str, value: Value) {
        if self.0.iter().all(|(other, _)| other != key) {
            self.0.push((key.to_owned(), value));
        }
    }

    fn text(&self) -> Result<String, fmt::Error> {
        let mut text = Vec::new();
        let mut serializer = serde_json::Serializer::new(&mut text);
        let written = serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)));
        written.map_err(|_| fmt::Error)?;
        String::from_utf8(text).map_err(|_| fmt::Error)
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field.name(), format!("{value:?}").into());
    }
}
