//! A check under way: its workers and their findings.

use std::{sync::Arc, vec::IntoIter};

use tokio::{runtime::Handle, sync::mpsc, time::Instant};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    budget::Permit, fault::Fault, finding::Finding, policy::Target, port_queue::PortQueue,
    stop::Stop, transport::Transport, worker::Worker,
};

/// How many ports are worth a separate worker.
const WORKER_PORTS: usize = 1024;

/// A check under way: a stream of findings in the order they are made.
///
/// It makes progress in tasks of the runtime and ends by its deadline, whether its findings are read
/// or not: a reader that is slow keeps findings in memory, one for each port at most, and no socket.
#[derive(Debug)]
pub struct Check {
    target: Arc<Target>,
    findings: mpsc::UnboundedReceiver<Result<Vec<Finding>, Stop>>,
    read: IntoIter<Finding>,
    unjudged: usize,
    workers: Vec<AbortOnDropHandle<()>>,
}

impl Check {
    /// Begins. Each worker gets a transport.
    pub(crate) fn begin<T>(
        ports: &Arc<PortQueue>,
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
        let (sender, findings) = mpsc::unbounded_channel();
        let workers = (0..worker_count(unjudged, processors)).map(|_| {
            let worker = Worker::new(Arc::clone(ports), transport(), first.take(), deadline);
            AbortOnDropHandle::new(tokio::spawn(worker.run(sender.clone())))
        });
        let workers = workers.collect();
        Self { target, findings, read: Vec::new().into_iter(), unjudged, workers }
    }

    /// The target of the check.
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
            match self.findings.recv().await.expect("workers end after the last finding only") {
                Ok(findings) => self.read = findings.into_iter(),
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

/// How many workers share the ports of a check: one at least if there is a port, and one a processor at most.
fn worker_count(ports: usize, processors: usize) -> usize {
    processors.min(ports / WORKER_PORTS).max(usize::from(ports > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_large_checks_occupy_several_processors() {
        let cases = [
            (0, 4, 0, "nothing to do"),
            (1, 4, 1, "the smallest"),
            (2047, 4, 1, "not worth two"),
            (2048, 4, 2, "worth two"),
            (65_535, 4, 4, "no more than there are processors"),
            (65_535, 1, 1, "a small machine"),
        ];
        for (ports, processors, expected, why) in cases {
            assert_eq!(worker_count(ports, processors), expected, "{why}");
        }
    }
}
