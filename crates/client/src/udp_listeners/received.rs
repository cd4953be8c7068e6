//! The questions that came to one port.

use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard},
    time::Instant,
};

use super::answer_rate::AnswerRate;
use crate::facts::Arrivals;

/// The questions that came to one port, and the answers to them.
#[derive(Debug, Default)]
pub(super) struct Received(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    arrivals: Arrivals,
    rate: AnswerRate,
}

impl Received {
    /// Takes note of a question, and says whether it is to be answered. That of a peer which may be a checker counts.
    pub(super) fn admits(&self, from: IpAddr, counts: bool) -> bool {
        let mut state = self.state();
        if counts {
            state.arrivals.completed_by(from);
        }
        state.rate.admits(Instant::now())
    }

    /// An answer to a peer was sent.
    pub(super) fn note_answer(&self, to: IpAddr) {
        let mut state = self.state();
        if state.arrivals.from.contains(&to) {
            state.arrivals.answered();
        }
    }

    /// The questions so far.
    pub(super) fn arrivals(&self) -> Arrivals {
        self.state().arrivals.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics while it is held")
    }
}
