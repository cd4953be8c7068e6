//! The early end of a verification, which concludes with what is known.

use std::future::pending;

use tokio::{
    select,
    sync::watch::{Receiver, Sender, channel},
};

/// Whether the parts of a verification are to go on.
pub(super) struct StopSignal(Receiver<bool>);

impl StopSignal {
    /// A signal, and what sends it.
    pub(super) fn new() -> (Sender<bool>, Self) {
        let (sender, receiver) = channel(false);
        (sender, Self(receiver))
    }

    /// Whether it was sent.
    pub(super) fn is_sent(&self) -> bool {
        *self.0.borrow()
    }

    /// The result of `work`; none if the signal is sent before there is one. Then the work is dropped.
    pub(super) async fn or_stop<W: Future>(&self, work: W) -> Option<W::Output> {
        select! {
            biased;
            done = work => Some(done),
            () = self.sent() => None,
        }
    }

    async fn sent(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|sent| *sent).await.is_err() {
            // Nobody can send it any more.
            pending().await
        }
    }
}
