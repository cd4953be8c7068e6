//! The reports to a supervisor.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use port_checker_server::{Config, Supervisor, listen, run_supervised};
use port_checker_testbed::{http::get, process::wait_until};
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
};

/// How often the service is to say that it is alive.
const HEARTBEAT: Duration = Duration::from_millis(20);

/// How often another service says that it is alive until one that has said nothing meanwhile is silent.
const SILENCE: usize = 50;

/// Counts the reports.
#[derive(Default)]
struct Listener {
    alive: AtomicUsize,
}

impl Supervisor for Listener {
    fn heartbeat(&self) -> Option<Duration> {
        Some(HEARTBEAT)
    }

    fn alive(&self) {
        self.alive.fetch_add(1, Ordering::SeqCst);
    }
}

impl Listener {
    fn wait_for_more(&self) {
        let before = self.alive.load(Ordering::SeqCst);
        wait_until("it is alive", || self.alive.load(Ordering::SeqCst) > before + 2);
    }

    /// Whether it is told nothing while `other` is told much; one report may have been under way.
    fn hears_nothing_beside(&self, other: &Self) -> bool {
        let before = self.alive.load(Ordering::SeqCst);
        let target = other.alive.load(Ordering::SeqCst) + SILENCE;
        wait_until("the other is alive", || other.alive.load(Ordering::SeqCst) >= target);
        self.alive.load(Ordering::SeqCst) <= before + 1
    }
}

/// A service with one worker beside the thread of its accept loop, and the means to hold that thread.
struct Supervised {
    runtime: Arc<Runtime>,
    supervisor: Arc<Listener>,
    address: SocketAddr,
    /// Holds the accept loop until the other end of the channel is dropped.
    hold: oneshot::Sender<mpsc::Receiver<()>>,
    ended: thread::JoinHandle<()>,
}

impl Supervised {
    fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = Arc::new(runtime.expect("a runtime"));
        let supervisor = Arc::new(Listener::default());
        let listener = runtime.block_on(async { listen(([127, 0, 0, 1], 0).into()) });
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let (hold, held) = oneshot::channel::<mpsc::Receiver<()>>();
        // It is waited for by the task that accepts, and so holds it.
        let shutdown = async { drop(held.await.map(|until| until.recv())) };
        let (here, listening) = (Arc::clone(&runtime), Arc::clone(&supervisor));
        let ended = thread::spawn(move || {
            here.block_on(run_supervised(listener, Config::default(), &listening, shutdown));
        });
        Self { runtime, supervisor, address, hold, ended }
    }

    fn stop(self) {
        drop(self.hold);
        self.ended.join().expect("it ends");
    }
}

#[test]
fn an_accept_loop_that_stands_still_is_not_alive_even_if_workers_are() {
    let other = Supervised::start();
    let Supervised { runtime, supervisor, address, hold, ended } = Supervised::start();
    supervisor.wait_for_more();
    assert_eq!(get(address, "/health").status, 200);
    let (go_on, until) = mpsc::channel();
    hold.send(until).expect("it runs");
    wait_until("it stands still", || supervisor.hears_nothing_beside(&other.supervisor));
    let (done, worked) = mpsc::channel();
    runtime.spawn(async move { done.send(()) });
    worked.recv().expect("the worker works");
    drop(go_on);
    ended.join().expect("it ends");
    other.stop();
}

#[test]
fn workers_that_stand_still_are_not_alive_even_if_the_accept_loop_is() {
    let other = Supervised::start();
    let Supervised { runtime, supervisor, address, hold, ended } = Supervised::start();
    supervisor.wait_for_more();
    let (go_on, until) = mpsc::channel::<()>();
    runtime.spawn(async move { until.recv() });
    wait_until("it stands still", || supervisor.hears_nothing_beside(&other.supervisor));
    drop(go_on);
    supervisor.wait_for_more();
    assert_eq!(get(address, "/health").status, 200);
    drop(hold);
    ended.join().expect("it ends");
    other.stop();
}
