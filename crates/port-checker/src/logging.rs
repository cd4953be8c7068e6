//! Log lines on standard output: for people, for the journal, or as JSON.

use std::{
    fmt::{self, Debug},
    fs,
    io::{self, BufWriter, IsTerminal, Stdout, Write, stdout},
    os::unix::fs::MetadataExt,
    thread,
    time::Duration,
};

use port_checker_server::{Config, LogFormat, escaped};
use tracing::{Event, Level, Subscriber, field::Field};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    field::MakeExt,
    filter::Targets,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Full, JsonFields, Writer, debug_fn},
    },
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

mod json;

use json::JsonLines;

/// Lines that may wait for a reader of the log. Further ones are dropped: a log that nobody reads
/// must not stop the service.
const WAITING_LINES: usize = 8192;

/// How long lines are gathered before they are written together: a busy service writes, and wakes its
/// writer, a hundred times a second and not for every request.
const GATHERING: Duration = Duration::from_millis(10);

/// Begins to log as `config` says. The remaining lines are written when the guard is dropped.
pub(crate) fn init(config: &Config) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .finish(Gathered(BufWriter::new(stdout())));
    let level = if config.debug { Level::DEBUG } else { Level::INFO };
    // Callers can make libraries warn, as often and at such length as they like.
    let ours = Targets::new().with_default(Level::ERROR).with_target("port_checker", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colourful());
    let registry = tracing_subscriber::registry().with(ours);
    let text = || debug_fn(text_field).delimited(" ");
    match config.log_format {
        LogFormat::Json => {
            let lines = lines.fmt_fields(JsonFields::new()).event_format(JsonLines);
            registry.with(lines.with_ansi(false)).init();
        }
        LogFormat::Text if to_journal() => {
            registry.with(lines.fmt_fields(text()).event_format(Journal::new())).init();
        }
        LogFormat::Text => registry.with(lines.fmt_fields(text()).with_target(false)).init(),
    }
    guard
}

/// A field for people. A path or a library's words must not control the terminal or begin a line.
fn text_field(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> fmt::Result {
    let value = escaped(&format!("{value:?}"), usize::MAX);
    match field.name() {
        "message" => writer.write_str(&value),
        name => write!(writer, "{name}={value}"),
    }
}

/// Writes the gathered lines, and gathers further ones.
struct Gathered(BufWriter<Stdout>);

impl Write for Gathered {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write(line)
    }

    /// The writer's thread calls it when no more lines wait.
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()?;
        thread::sleep(GATHERING);
        Ok(())
    }
}

fn colourful() -> bool {
    stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether standard output is the journal (systemd.exec(5), `JOURNAL_STREAM`).
fn to_journal() -> bool {
    let Some(journal) = std::env::var("JOURNAL_STREAM").ok() else { return false };
    fs::metadata("/proc/self/fd/1")
        .is_ok_and(|out| journal == format!("{}:{}", out.dev(), out.ino()))
}

/// Lines for the journal, which knows the time by itself and takes the level from a prefix
/// (sd-daemon(3)).
struct Journal {
    line: Format<Full, ()>,
}

impl Journal {
    fn new() -> Self {
        Self { line: Format::default().without_time().with_level(false).with_target(false) }
    }
}

impl<S, N> FormatEvent<S, N> for Journal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let priority = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            _ => 7,
        };
        write!(writer, "<{priority}>")?;
        self.line.format_event(context, writer, event)
    }
}
