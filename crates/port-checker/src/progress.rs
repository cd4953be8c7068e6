//! A progress bar on standard error, if that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use port_checker_client::{Diagnosis, Event, Verification};

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(100);

/// How far a verification is.
struct ProgressLine {
    bar: ProgressBar,
    reachable: u64,
}

impl ProgressLine {
    /// Begins to show.
    fn begin() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{spinner} [{bar:30}] {pos}/{len} {msg}")
            .expect("the template is good");
        bar.set_style(style.progress_chars("=> "));
        bar.set_message("asking for our address");
        bar.enable_steady_tick(TICK);
        Self { bar, reachable: 0 }
    }

    /// Takes note of an event.
    fn note(&mut self, event: &Event) {
        match event {
            Event::Asking { ports, .. } => self.bar.inc_length(*ports as u64),
            Event::Judged { accessible, .. } => {
                self.reachable += u64::from(*accessible);
                self.bar.inc(1);
            }
            Event::NoVerdict { message, .. } => self.bar.println(message),
            Event::Waiting { wait, .. } => {
                return self.bar.set_message(format!("a checker is busy for {wait:?}"));
            }
            _ => return,
        }
        self.bar.set_message(format!("answers, {} reachable", self.reachable));
    }
}

/// Shows how far a verification is, until its end.
pub(crate) async fn follow(mut verification: Verification) -> Diagnosis {
    let mut progress = ProgressLine::begin();
    loop {
        match verification.next().await.expect("the diagnosis comes before the end") {
            Event::Finished(diagnosis) => return *diagnosis,
            event => progress.note(&event),
        }
    }
}

/// Shows a message until the future's end.
pub(crate) async fn pause(duration: Duration, message: String) {
    let bar = ProgressBar::new_spinner();
    bar.set_message(message);
    bar.enable_steady_tick(TICK);
    let _cleared = Cleared(&bar);
    tokio::time::sleep(duration).await;
}

struct Cleared<'a>(&'a ProgressBar);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
