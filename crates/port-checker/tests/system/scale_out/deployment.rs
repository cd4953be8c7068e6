//! What `deploy/` says, on free ports: two instances, Redis, HAProxy.

use std::{collections::HashMap, fs, net::SocketAddr, process::Command};

use port_checker_testbed::{
    http::{get, metric},
    ports::{LOOPBACK, unused},
    process::{Running, Service, wait_until},
    skip,
};

use crate::program::{port_checker, repository};

/// The instances, as HAProxy and the files call them.
pub(crate) const NAMES: [&str; 2] = ["one", "two"];

/// What the files of `deploy/` describe, running.
pub(crate) struct Deployment {
    /// Where callers ask.
    pub(crate) front: SocketAddr,
    /// Where HAProxy tells what it does.
    pub(crate) haproxy_metrics: SocketAddr,
    /// Taken away when an instance is killed.
    pub(crate) instances: [Option<Service>; 2],
    redis: Option<Running>,
    addresses: Addresses,
    settings: Vec<(&'static str, &'static str)>,
    _haproxy: Running,
}

/// Instead of the ports in the files.
struct Addresses {
    redis: SocketAddr,
    api: [SocketAddr; 2],
    metrics: [SocketAddr; 2],
}

impl Deployment {
    /// Starts everything and waits until HAProxy sends requests to both instances; or says what is
    /// missing. `settings` are in force beside those of the files.
    pub(crate) fn start(settings: &[(&'static str, &'static str)]) -> Option<Self> {
        // HAProxy gives up what root may, and does not start without it.
        if !(skip::has("haproxy", "-v")
            && skip::has("redis-server", "--version")
            && skip::is_root())
        {
            return None;
        }
        let mut free = unused(7).into_iter().map(|port| SocketAddr::new(LOOPBACK, port.get()));
        let mut next = || free.next().expect("seven were asked for");
        let addresses =
            Addresses { redis: next(), api: [next(), next()], metrics: [next(), next()] };
        let (front, haproxy_metrics) = (next(), next());
        let redis = start_redis(addresses.redis);
        let instances = [0, 1].map(|index| Some(instance(index, &addresses, settings)));
        let _haproxy = start_haproxy(&addresses, front, haproxy_metrics);
        let settings = settings.to_vec();
        let deployment = Self {
            front,
            haproxy_metrics,
            instances,
            redis: Some(redis),
            addresses,
            settings,
            _haproxy,
        };
        NAMES.iter().for_each(|name| deployment.wait_for(name, "UP"));
        Some(deployment)
    }

    /// What an instance says of a series.
    pub(crate) fn metric(&self, index: usize, series: &str) -> f64 {
        metric(self.addresses.metrics[index], series)
    }

    /// Waits until HAProxy thinks so of an instance: `UP` or `DOWN`.
    pub(crate) fn wait_for(&self, name: &str, state: &str) {
        let series =
            format!(r#"haproxy_server_status{{proxy="checkers",server="{name}",state="{state}"}}"#);
        wait_until(&format!("{name} is {state}"), || metric(self.haproxy_metrics, &series) == 1.0);
    }

    /// Ends an instance as systemd does, and starts it again, as README.md says.
    pub(crate) fn restart(&mut self, index: usize) {
        let running = self.instances[index].take().expect("it runs");
        running.signal("TERM");
        assert_eq!(running.exit_status().code(), Some(0), "{}", NAMES[index]);
        self.start_again(index);
    }

    /// Kills an instance.
    pub(crate) fn kill(&mut self, index: usize) {
        self.instances[index].take().expect("it runs").signal("KILL");
    }

    /// Starts an instance that has ended, and waits until HAProxy sends requests to it.
    pub(crate) fn start_again(&mut self, index: usize) {
        self.instances[index] = Some(instance(index, &self.addresses, &self.settings));
        wait_until("it is ready", || get(self.addresses.api[index], "/ready").status == 200);
        self.wait_for(NAMES[index], "UP");
    }

    /// Kills Redis.
    pub(crate) fn kill_redis(&mut self) {
        self.redis.take().expect("it runs").signal("KILL");
    }

    /// Starts Redis again.
    pub(crate) fn start_redis_again(&mut self) {
        self.redis = Some(start_redis(self.addresses.redis));
    }
}

/// The lines of an environment file.
pub(crate) fn environment(file: &str) -> HashMap<String, String> {
    let text = fs::read_to_string(repository("deploy").join(file)).expect("a file of deploy/");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs = lines.map(|line| line.split_once('=').expect("NAME=value"));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// An instance with the settings of its files, of which only addresses are replaced.
fn instance(index: usize, addresses: &Addresses, settings: &[(&str, &str)]) -> Service {
    let mut environment = environment("checker.env");
    environment.extend(self::environment(&format!("{}.env", NAMES[index])));
    let replacements = [
        ("PORT_CHECKER_PORT", addresses.api[index].port().to_string()),
        ("PORT_CHECKER_METRICS_ADDR", addresses.metrics[index].to_string()),
        ("PORT_CHECKER_REDIS_URL", format!("redis://{}", addresses.redis)),
    ];
    for (name, value) in replacements {
        environment.insert(name.to_owned(), value).expect("the files say where");
    }
    let mut command = port_checker(&["serve"], settings);
    Service::start(command.envs(environment))
}

fn start_redis(address: SocketAddr) -> Running {
    let mut command = Command::new("redis-server");
    command.arg(repository("deploy/redis.conf")).arg("--port").arg(address.port().to_string());
    Running::start(&mut command, address)
}

fn start_haproxy(addresses: &Addresses, front: SocketAddr, metrics: SocketAddr) -> Running {
    let mut command = Command::new("haproxy");
    command.arg("-f").arg(repository("deploy/haproxy.cfg"));
    command.env("CHECKER_BIND", front.to_string());
    command.env("HAPROXY_METRICS", metrics.to_string());
    command.env("CHECKER_ONE", addresses.api[0].to_string());
    command.env("CHECKER_TWO", addresses.api[1].to_string());
    // It listens here last.
    Running::start(&mut command, metrics)
}
