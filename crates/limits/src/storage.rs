//! Where debts are kept: in Redis while there is one that answers, else in this process.

use std::sync::Arc;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    charge::{Change, Mode},
    gcra::Reading,
    memory::MemoryLimits,
    redis::RedisLimits,
};

/// Both places.
pub(crate) struct Storage {
    memory: MemoryLimits,
    redis: Option<Arc<RedisLimits>>,
}

/// The storage in which a charge was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StorageKind {
    Memory,
    Redis,
}

impl Storage {
    pub(crate) fn new(redis: Option<RedisLimits>) -> Self {
        Self { memory: MemoryLimits::new(), redis: redis.map(Arc::new) }
    }

    /// Connects to Redis, if there is one, and makes the connection again whenever it is lost.
    pub(crate) async fn start(&self, tasks: &TaskTracker, stop: CancellationToken) {
        if let Some(redis) = &self.redis {
            redis.connect_first().await;
            tasks.spawn(Arc::clone(redis).keep_connected(stop));
        }
    }

    /// Makes every change, or none; a dry run answers alike and changes nothing.
    pub(crate) async fn change(
        &self,
        changes: &[Change],
        mode: Mode,
    ) -> (StorageKind, Vec<Reading>) {
        if let (Some(redis), false) = (&self.redis, changes.is_empty())
            && let Some(readings) = redis.change(changes, mode).await
        {
            return (StorageKind::Redis, readings);
        }
        (StorageKind::Memory, self.memory.change(changes, mode))
    }

    /// Takes back a part of a charge in the storage where it was made.
    pub(crate) async fn give_back(&self, kind: StorageKind, change: Change) {
        match (kind, &self.redis) {
            (StorageKind::Redis, Some(redis)) => {
                // A Redis that is gone has forgotten the charge too.
                let _ = redis.change(&[change], Mode::Charge).await;
            }
            _ => drop(self.memory.change(&[change], Mode::Charge)),
        }
    }
}
