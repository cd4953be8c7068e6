//! Limits that are shared through a real Redis.

use std::net::SocketAddr;

use port_checker_testbed::{process::free_address, redis};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::*;

/// How long a limiter may take to notice that Redis is gone or back, far longer than it needs.
const TIMEOUT: Duration = Duration::from_secs(60);

/// One instance of a service.
struct Instance {
    limiter: Limiter,
    recorder: Arc<Recorder>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Instance {
    async fn start(address: SocketAddr) -> Self {
        let recorder = Arc::new(Recorder::default());
        let url: RedisUrl = format!("redis://{address}").parse().expect("an address");
        let limiter = Limiter::new(&STRICT, Some(&url), Arc::clone(&recorder) as _);
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        limiter.start(&tasks, stop.clone()).await;
        Self { limiter, recorder, tasks, stop }
    }

    async fn left(&self) -> u64 {
        left(&self.limiter, STRANGER, OWNER).await[0].1
    }

    /// Waits until the observer has been told `count` times that Redis is `up`.
    async fn wait_for(&self, up: bool, count: usize) {
        let wait = async {
            while self.recorder.count(Observed::Up(up)) < count {
                self.left().await;
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(TIMEOUT, wait).await.expect("Redis is noticed");
    }
}

#[tokio::test]
async fn instances_share_charges_and_what_is_given_back() {
    let address = free_address();
    let Some(_redis) = redis::start(address, &[]) else { return };
    let (one, other) = (Instance::start(address).await, Instance::start(address).await);
    let charged = one.limiter.charge((STRANGER, OWNER), 3, Mode::Charge).await;
    let (_, mut receipt) = charged.expect("admitted");
    assert_eq!((one.left().await, other.left().await), (1, 1));
    receipt.note_match();
    receipt.give_back().await;
    assert_eq!((one.left().await, other.left().await), (3, 3));
    assert_eq!(one.recorder.count(Observed::Up(true)), 1);
    assert!(one.recorder.count(Observed::Answered(true)) >= 4, "each answer is timed");
    assert_eq!(one.recorder.count(Observed::Answered(false)), 0);
}

#[tokio::test]
async fn without_redis_each_instance_limits_by_itself_until_redis_is_back() {
    let address = free_address();
    let Some(redis) = redis::start(address, &[]) else { return };
    let (one, other) = (Instance::start(address).await, Instance::start(address).await);
    assert!(admits(&one.limiter, STRANGER, OWNER, 3).await);
    drop(redis);
    for instance in [&one, &other] {
        instance.wait_for(false, 1).await;
        assert_eq!(instance.left().await, 10, "nothing was charged here");
        assert!(admits(&instance.limiter, STRANGER, OWNER, 2).await);
        assert_eq!(instance.left().await, 4);
    }
    let _redis = redis::start(address, &[]).expect("there was one before");
    for instance in [&one, &other] {
        instance.wait_for(true, 2).await;
        assert_eq!(instance.recorder.count(Observed::Up(false)), 1, "told once");
    }
    assert!(admits(&one.limiter, STRANGER, OWNER, 1).await);
    assert_eq!((one.left().await, other.left().await), (7, 7), "shared again");
}

#[tokio::test]
async fn many_requests_that_find_redis_gone_count_as_one_loss() {
    let address = free_address();
    let Some(redis) = redis::start(address, &[]) else { return };
    let instance = Arc::new(Instance::start(address).await);
    redis.signal("STOP");
    let requests = (0..32).map(|_| {
        let instance = Arc::clone(&instance);
        tokio::spawn(async move { instance.left().await })
    });
    for request in requests.collect::<Vec<_>>() {
        assert_eq!(request.await.unwrap(), 10, "answered from memory");
    }
    assert_eq!(instance.recorder.count(Observed::Up(false)), 1);
    assert_eq!(instance.recorder.count(Observed::Answered(false)), 32);
    redis.signal("CONT");
    instance.wait_for(true, 2).await;
}

/// A replica answers, but keeps no charge.
#[tokio::test]
async fn a_redis_that_keeps_nothing_is_not_used() {
    let (address, primary) = (free_address(), free_address());
    let replica_of = format!("{} {}", primary.ip(), primary.port());
    let Some(_redis) = redis::start(address, &["--replicaof", &replica_of]) else { return };
    let instance = Instance::start(address).await;
    assert!(admits(&instance.limiter, STRANGER, OWNER, 3).await);
    assert_eq!(instance.left().await, 1);
    assert_eq!(instance.recorder.count(Observed::Up(true)), 0);
}

#[tokio::test]
async fn the_connection_ends_with_the_service() {
    let address = free_address();
    let Some(_redis) = redis::start(address, &[]) else { return };
    let instance = Instance::start(address).await;
    instance.tasks.close();
    assert_eq!(instance.tasks.len(), 1, "it watches the connection");
    instance.stop.cancel();
    tokio::time::timeout(TIMEOUT, instance.tasks.wait()).await.expect("it ends");
}
