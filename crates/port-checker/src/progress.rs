//! A progress bar on standard error, if that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use port_checker_client::Event;

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(100);

/// How far a verification is.
pub(crate) struct ProgressLine {
    bar: ProgressBar,
    reachable: u64,
}

impl ProgressLine {
    /// Begins to show.
    pub(crate) fn begin() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{spinner} [{bar:30}] {pos}/{len} {msg}")
            .expect("the template is good");
        bar.set_style(style.progress_chars("=> "));
        bar.set_message("asking for our address");
        bar.enable_steady_tick(TICK);
        Self { bar, reachable: 0 }
    }

    /// Takes note of an event.
    pub(crate) fn note(&mut self, event: &Event) {
        match event {
            Event::Asking { ports, .. } => self.bar.inc_length(*ports as u64),
            Event::Judged { accessible, .. } => {
                self.reachable += u64::from(*accessible);
                self.bar.inc(1);
            }
            Event::NoVerdict { message, .. } => self.bar.println(message),
            Event::Checked(_) => {
                return self
                    .bar
                    .set_message("mapping ports at the router, and checking them again");
            }
            Event::Waiting { wait, .. } => {
                return self.bar.set_message(format!("a checker is busy for {wait:?}"));
            }
            _ => return,
        }
        self.bar.set_message(format!("answers, {} reachable", self.reachable));
    }
}

/// Says that it will be tried again, until the future's end.
pub(crate) async fn pause(duration: Duration) {
    let bar = ProgressBar::new_spinner();
    bar.set_message(format!("not all reachable; trying again in {duration:?} (Ctrl-C ends this)"));
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
