//! A check under way: its ports, its workers, and what they have found.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    vec::IntoIter,
};

use tokio::{runtime::Handle, sync::mpsc, time::Instant};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    Fault, Finding, ProbeSettings, Target,
    budget::{Permit, Slot},
    schedule::Judged,
    transport::{Outcome, Transport},
    worker::Worker,
};

/// How many ports are worth a worker of their own.
const WORKER_PORTS: usize = 1024;

/// What the workers of a check share: the ports that nobody has begun with, and a share of the
/// sockets.
#[derive(Debug)]
pub(crate) struct Ports {
    pub(crate) target: Arc<Target>,
    pub(crate) settings: ProbeSettings,
    pub(crate) slot: Slot,
    /// The index of the first port that nobody has begun with.
    next: AtomicUsize,
}

/// What stopped a worker.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The deadline.
    Deadline,
    /// The checker could not judge.
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Ports {
    pub(crate) fn new(target: Arc<Target>, settings: ProbeSettings, slot: Slot) -> Arc<Self> {
        Arc::new(Self { target, settings, slot, next: AtomicUsize::new(0) })
    }

    pub(crate) fn has_next(&self) -> bool {
        self.next.load(Ordering::Relaxed) < self.target.ports().len()
    }

    pub(crate) fn take_next(&self) -> Option<usize> {
        let index = self.has_next().then(|| self.next.fetch_add(1, Ordering::Relaxed))?;
        (index < self.target.ports().len()).then_some(index)
    }

    pub(crate) fn finding(&self, judged: &Judged) -> Finding {
        let Judged { index, attempts, outcome } = *judged;
        let Outcome { verdict, challenge, icmp, elapsed } = outcome;
        let port = self.target.ports()[index];
        Finding { index, port, verdict, challenge, icmp, attempts, elapsed }
    }
}

/// A check under way: a stream of findings in the order they are made.
///
/// It makes progress in tasks of the runtime and ends by its deadline, whether its findings are read
/// or not: a reader that is slow keeps findings in memory, one for each port at most, and no socket.
#[derive(Debug)]
pub struct Check {
    target: Arc<Target>,
    found: mpsc::UnboundedReceiver<Result<Vec<Finding>, Stop>>,
    read: IntoIter<Finding>,
    unjudged: usize,
    workers: Vec<AbortOnDropHandle<()>>,
}

impl Check {
    /// Begins. Each worker gets a transport.
    pub(crate) fn begin<T>(
        ports: &Arc<Ports>,
        mut first: Option<Permit>,
        deadline: Instant,
        mut transport: impl FnMut() -> T,
    ) -> Self
    where
        T: Transport + Send + 'static,
        T::Attempt: Send,
    {
        let target = Arc::clone(&ports.target);
        let unjudged = target.ports().len();
        let processors = Handle::current().metrics().num_workers();
        let workers = processors.min(unjudged / WORKER_PORTS).max(usize::from(unjudged > 0));
        let (sender, found) = mpsc::unbounded_channel();
        let workers = (0..workers).map(|_| {
            let worker = Worker::new(Arc::clone(ports), transport(), first.take(), deadline);
            AbortOnDropHandle::new(tokio::spawn(worker.run(sender.clone())))
        });
        let workers = workers.collect();
        Self { target, found, read: Vec::new().into_iter(), unjudged, workers }
    }

    /// What is checked.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The next finding, or none when every port has one, or after a [`Fault`].
    ///
    /// # Errors
    /// The checker could not judge a port; it then judges none of the rest.
    pub async fn next(&mut self) -> Option<Result<Finding, Fault>> {
        while self.unjudged > 0 {
            if let Some(finding) = self.read.next() {
                self.unjudged -= 1;
                return Some(Ok(finding));
            }
            match self.found.recv().await.expect("workers end after the last finding only") {
                Ok(found) => self.read = found.into_iter(),
                Err(stop) => return Some(Err(self.stopped(stop))),
            }
        }
        None
    }

    /// Ends the other workers too.
    fn stopped(&mut self, stop: Stop) -> Fault {
        self.workers.clear();
        let (unjudged, ports) = (std::mem::take(&mut self.unjudged), self.target.ports().len());
        match stop {
            Stop::Deadline => Fault::DeadlinePassed { unjudged, ports },
            Stop::Fault(fault) => fault,
        }
    }
}
