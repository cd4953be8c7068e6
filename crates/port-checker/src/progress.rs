//! The progress of a verification on standard error, if that is a terminal.

use std::{
    fmt,
    future::pending,
    io::{Write, stderr},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use port_checker_client::{Diagnosis, Event, Verification};
use tokio::{select, time::sleep};

use self::status::Status;

mod status;

/// How often the lines are drawn.
const TICK: Duration = Duration::from_millis(100);

/// The lines of a terminal that tell how far the verification is. They are removed in the end.
pub(crate) struct ProgressLine {
    bar: ProgressBar,
    status: Arc<Mutex<Status>>,
}

impl ProgressLine {
    /// Begins to show.
    pub(crate) fn begin() -> Self {
        let status = Arc::new(Mutex::new(Status::default()));
        let shown = Arc::clone(&status);
        let write = move |_: &ProgressState, out: &mut dyn fmt::Write| {
            // What cannot be shown now is shown with the next tick.
            let _ = out.write_str(&locked(&shown).lines(textwrap::termwidth()).join("\n"));
        };
        let style = ProgressStyle::with_template("{spinner} {status}").expect("a good template");
        let bar = ProgressBar::new_spinner().with_style(style.with_key("status", write));
        bar.tick();
        bar.enable_steady_tick(TICK);
        Self { bar, status }
    }

    /// Goes on to the end of a verification.
    pub(crate) async fn follow(&self, verification: Verification) -> Diagnosis {
        self.follow_or_stop(verification, pending::<()>()).await.0
    }

    /// Goes on to the end of a verification, or until it is to stop. Also returns why it was, if it was.
    pub(crate) async fn follow_or_stop<T>(
        &self,
        mut verification: Verification,
        stop: impl Future<Output = T>,
    ) -> (Diagnosis, Option<T>) {
        self.status().begin();
        let mut stop = std::pin::pin!(stop);
        let mut stopped = None;
        loop {
            let event = select! {
                event = verification.next() => event.expect("the diagnosis comes before the end"),
                why = &mut stop, if stopped.is_none() => {
                    stopped = Some(why);
                    verification.stop();
                    continue;
                }
            };
            match event {
                Event::Finished(diagnosis) => return (*diagnosis, stopped),
                Event::NoVerdict { message, .. } => self.bar.println(message),
                event => self.status().note(event),
            }
        }
    }

    /// Says what follows in how long, until then. Below are lines about ports that are not open yet.
    pub(crate) async fn pause(&self, duration: Duration, next: &'static str, closed: Vec<String>) {
        self.status().pause(duration, next, closed);
        sleep(duration).await;
    }

    /// A line that stays on the terminal, or on standard error whatever that is.
    pub(crate) fn announce(&self, line: &str) {
        if self.bar.is_hidden() {
            // Nobody reads it; the report remains.
            let _ = writeln!(stderr(), "{line}");
        } else {
            self.bar.println(line);
        }
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        locked(&self.status)
    }
}

fn locked(status: &Mutex<Status>) -> MutexGuard<'_, Status> {
    status.lock().expect("nothing panics while it is held")
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
