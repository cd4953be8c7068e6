//! The events of one checker.

use std::{net::IpAddr, time::Duration};

use port_checker_api::Progress;
use tokio::sync::mpsc::UnboundedSender;

use super::port_query::QueryObserver;
use crate::Event;

/// Sends the events of one checker.
pub(super) struct EventSender<'a> {
    pub(super) events: &'a UnboundedSender<Event>,
    pub(super) checker: usize,
    /// The address it checks.
    pub(super) address: IpAddr,
}

impl EventSender<'_> {
    fn send(&self, event: Event) {
        // Who does not listen any more will drop the verification too.
        let _ = self.events.send(event);
    }
}

impl QueryObserver for EventSender<'_> {
    fn judged(&self, progress: &Progress) {
        let Self { checker, address, .. } = *self;
        let (port, accessible) = (progress.port, progress.result.accessible);
        self.send(Event::Judged { checker, address, port, accessible });
    }

    fn waiting(&self, wait: Duration) {
        self.send(Event::Waiting { checker: self.checker, wait });
    }
}
