//! `port-checker verify --every`: a machine that watches itself.

use std::{
    io::ErrorKind, ops::ControlFlow, panic::resume_unwind, path::PathBuf, process::ExitCode,
    time::Duration,
};

use port_checker_client::{InvalidPlan, TransportPort, Verification};
use tokio::{
    select,
    task::block_in_place,
    time::{Instant, timeout},
};

use crate::{
    end_signals::EndSignals,
    exit_status::UNUSABLE,
    output::{complain, print_part},
    pace::next_round,
    progress::ProgressLine,
};

mod changes;
mod command;
mod observation;
mod round;
mod textfile;

use changes::{Known, changes};
use command::Command;
use round::Round;
use textfile::Textfile;

/// How long a round may take to end after a signal. It closes sockets and kills the command, which takes no time;
/// only a standard output that nobody reads can keep it.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// How to watch.
pub(crate) struct Monitor {
    /// The ports that are verified.
    pub(crate) ports: Vec<TransportPort>,
    /// The time between the beginnings of two rounds.
    pub(crate) interval: Duration,
    /// Whether it is success if nobody outside was asked.
    pub(crate) local_suffices: bool,
    /// Whether to print JSON instead of reports.
    pub(crate) json: bool,
    /// The command to run on changes.
    pub(crate) command: Option<String>,
    /// The file for the node exporter.
    pub(crate) textfile: Option<PathBuf>,
}

/// Verifies again and again until a signal comes, or nobody reads standard output any more.
pub(crate) async fn run(
    monitor: Monitor,
    mut signals: EndSignals,
    begin: impl Fn() -> Result<Verification, InvalidPlan> + Send + 'static,
) -> ExitCode {
    // A task apart: a signal ends it even if it waits for a reader of standard output.
    let mut rounds = tokio::spawn(repeat(monitor, begin));
    let status = select! {
        ended = &mut rounds => {
            let ended = ended.unwrap_or_else(|error| resume_unwind(error.into_panic()));
            ended.unwrap_or_else(|unusable| {
                complain(unusable);
                UNUSABLE
            })
        }
        status = signals.next() => status,
    };
    rounds.abort();
    if !rounds.is_finished() {
        let _ended = timeout(END_TIMEOUT, rounds).await;
    }
    ExitCode::from(status)
}

/// Returns the status of the last round when nobody reads standard output any more.
async fn repeat(
    monitor: Monitor,
    begin: impl Fn() -> Result<Verification, InvalidPlan> + Send,
) -> Result<u8, InvalidPlan> {
    let Monitor { ports, interval, local_suffices, json, command, textfile } = monitor;
    let command = command.map(|text| Command::new(text, ports, interval));
    let mut textfile = textfile.map(|path| Textfile::new(path, interval));
    let mut known: Option<Known> = None;
    loop {
        let began = Instant::now();
        let diagnosis = ProgressLine::begin().follow(begin()?).await;
        let round = Round::of(diagnosis, local_suffices, began.elapsed());
        let changes = known.as_ref().map(|known| changes(known, &round.observation));
        let text = round.text(changes.as_ref(), json);
        // Both may wait: signals must be heard meanwhile, on one processor too.
        let printed = block_in_place(|| {
            textfile.iter_mut().for_each(|textfile| textfile.keep(&round));
            print_round(&text)
        });
        if printed.is_break() {
            return Ok(round.observation.status);
        }
        if let Some(command) = command.as_ref().filter(|_| round.is_news(changes.as_ref())) {
            command.run(&round.observation, known.as_ref().map(|known| known.status)).await;
        }
        known = Some(Known::after(known, &round.observation));
        pause_until(next_round(interval, began, Instant::now())).await;
    }
}

/// A break: nobody reads it. Any other failure is reported and ends nothing.
fn print_round(text: &str) -> ControlFlow<()> {
    match print_part(text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => return ControlFlow::Break(()),
        Err(error) => complain(format!("cannot write to standard output: {error}")),
        Ok(()) => {}
    }
    ControlFlow::Continue(())
}

async fn pause_until(next: Instant) {
    let pause = next.duration_since(Instant::now());
    ProgressLine::begin().pause(pause, "verifying again", Vec::new()).await;
}
