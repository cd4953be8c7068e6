//! Connections of one lane on their way: what each is for, and until when.

use std::{collections::VecDeque, sync::Arc};

use port_checker_api::Reason;
use slab::Slab;
use tokio::time::{Instant, sleep_until};

use crate::{
    Fault,
    tcp::{Dialled, Reached, unwatchable},
    watch::{Subscription, Watch},
};

/// Connections that are neither established nor failed, each for a `T`. Dropping it closes them.
pub(crate) struct Connecting<T> {
    watch: Arc<Watch>,
    /// Made for the first connection: most checks of targets nearby need none.
    subscription: Option<Subscription>,
    connections: Slab<Connection<T>>,
    /// When each connection times out, soonest first: the time-out is the same for all. Entries of
    /// connections that were decided are left until they come to the front.
    expiries: VecDeque<Expiry>,
}

struct Connection<T> {
    dialled: Dialled,
    until: Instant,
    purpose: T,
}

struct Expiry {
    until: Instant,
    name: usize,
}

/// A connection that is established, or is known not to be.
pub(crate) struct Decided<T> {
    pub(crate) dialled: Dialled,
    pub(crate) until: Instant,
    pub(crate) purpose: T,
    pub(crate) reached: Reached,
}

impl<T> Connecting<T> {
    pub(crate) fn new(watch: Arc<Watch>) -> Self {
        let (connections, expiries) = (Slab::new(), VecDeque::new());
        Self { watch, subscription: None, connections, expiries }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Takes a connection that is to be decided at `until` at the latest.
    ///
    /// # Errors
    /// The system cannot watch it.
    pub(crate) fn push(
        &mut self,
        dialled: Dialled,
        until: Instant,
        purpose: T,
    ) -> Result<(), Fault> {
        let fault = unwatchable(dialled.address());
        let subscription = match &mut self.subscription {
            Some(subscription) => subscription,
            none => none.insert(self.watch.subscribe().map_err(&fault)?),
        };
        let entry = self.connections.vacant_entry();
        let name = entry.key();
        subscription.watch(&dialled, name).map_err(fault)?;
        entry.insert(Connection { dialled, until, purpose });
        self.expiries.push_back(Expiry { until, name });
        Ok(())
    }

    /// Waits until connections are decided; for ever if there are none.
    pub(crate) async fn decided(&mut self) -> Vec<Decided<T>> {
        self.forget_expiries();
        let Some(subscription) = &self.subscription else { return std::future::pending().await };
        let now = Instant::now();
        let next = self.expiries.front().map(|expiry| expiry.until);
        let names = tokio::select! {
            biased;
            names = subscription.news() => names,
            () = sleep_until(next.unwrap_or(now)), if next.is_some() => Vec::new(),
        };
        let told: Vec<_> = names.into_iter().filter_map(|name| self.look(name)).collect();
        told.into_iter().chain(self.expired()).collect()
    }

    /// A connection that has something to tell. One that took the place of another may have nothing.
    fn look(&mut self, name: usize) -> Option<Decided<T>> {
        let reached = self.connections.get(name)?.dialled.look()?;
        Some(self.decide(name, reached))
    }

    /// Those whose time is up. An answer may have come while this process was too busy to look.
    fn expired(&mut self) -> Vec<Decided<T>> {
        let now = Instant::now();
        let mut expired = Vec::new();
        while self.expiries.front().is_some_and(|expiry| expiry.until <= now) {
            let Some(expiry) = self.expiries.pop_front() else { break };
            if self.is_current(&expiry) {
                let reached = self.connections[expiry.name].dialled.look();
                let reached = reached.unwrap_or(Ok(Err(Reason::TimedOut)));
                expired.push(self.decide(expiry.name, reached));
            }
        }
        expired
    }

    fn decide(&mut self, name: usize, reached: Reached) -> Decided<T> {
        let Connection { dialled, until, purpose } = self.connections.remove(name);
        Decided { dialled, until, purpose, reached }
    }

    fn forget_expiries(&mut self) {
        while self.expiries.front().is_some_and(|expiry| !self.is_current(expiry)) {
            self.expiries.pop_front();
        }
    }

    fn is_current(&self, expiry: &Expiry) -> bool {
        self.connections.get(expiry.name).is_some_and(|named| named.until == expiry.until)
    }
}
