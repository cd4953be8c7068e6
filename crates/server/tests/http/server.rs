//! A service under test.

use std::{
    net::{SocketAddr, TcpStream},
    sync::Arc,
    thread,
};

use port_checker_server::{Config, Listeners, TlsIdentity, listen, run};
use port_checker_testbed::{
    http::begin_check,
    ports::{Held, Silent},
};
use socket2::SockRef;
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot};

/// A running service; it is shut down when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Starts one that admits loopback targets, changed by `change`.
    pub(crate) fn start(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on("127.0.0.1:0", change)
    }

    pub(crate) fn start_on(address: &str, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_with(None, address, |_| {}, change)
    }

    pub(crate) fn start_tls(tls: Arc<TlsIdentity>, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_with(Some(tls), "127.0.0.1:0", |_| {}, change)
    }

    /// Starts one whose kernel holds next to nothing of an answer.
    pub(crate) fn start_narrow(change: impl FnOnce(&mut Config)) -> Self {
        // Connections have it from the socket they came to.
        let narrow = |listener: &TcpListener| {
            SockRef::from(listener).set_send_buffer_size(4096).expect("a socket has a buffer");
        };
        Self::start_with(None, "127.0.0.1:0", narrow, change)
    }

    fn start_with(
        tls: Option<Arc<TlsIdentity>>,
        address: &str,
        prepare: impl FnOnce(&TcpListener),
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = Config::default();
        config.policy.allow_local = true;
        config.probe.delay = std::time::Duration::from_millis(10);
        config.probe.timeout = std::time::Duration::from_millis(200);
        change(&mut config);
        let runtime = Runtime::new().expect("a runtime");
        let address = address.parse().expect("an address");
        let listener = runtime.block_on(async { listen(address) }).expect("a free port");
        prepare(&listener);
        let address = listener.local_addr().expect("a bound socket");
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let listeners = Listeners { tls, ..listener.into() };
            runtime.block_on(run(listeners, config, async { drop(stopped.await) }));
        });
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    /// Sends a check of one port and waits until it is under way.
    pub(crate) fn begin_check(&self, silent: &Silent) -> TcpStream {
        begin_check(self.address, &format!(r#"{{"ports":[{}]}}"#, silent.port()))
    }

    /// Begins the shutdown.
    pub(crate) fn stop(&mut self) {
        self.stop.take();
    }

    /// Waits until it has stopped.
    pub(crate) fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the service does not panic");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        self.wait();
    }
}
