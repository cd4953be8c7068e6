//! Limits that several instances share, kept in one Redis.
//!
//! One script a request reads and writes all of the request's keys atomically, with Redis's own
//! clock. A key holds a TAT in microseconds since 1970 as decimal digits, and expires when its
//! subject's allowance is whole again.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use redis::{
    AsyncConnectionConfig, Client, RedisError, Script, ScriptInvocation, aio::MultiplexedConnection,
};
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Charge, Decision};
use crate::metrics::Metrics;

/// The beginning of every key; the number changes with the meaning of the values.
const PREFIX: &str = "port-checker:v1";

/// How long Redis may take to answer. A request waits this long at most, once: after that the
/// limits of this process apply until Redis is back.
const ANSWER_TIME: Duration = Duration::from_millis(250);

/// How long a connection to Redis may take to be made.
const CONNECT_TIME: Duration = Duration::from_secs(1);

/// How long to wait before the next attempt to reach a Redis that does not answer.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Charges every key or none. Takes, per key, the interval, the tolerance and the cost; returns the
/// time, and each key's TAT before.
const CHARGE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local before, after, admitted = {}, {}, true
for i, key in ipairs(KEYS) do
  local interval, tolerance, cost = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
  before[i] = tonumber(redis.call('GET', key) or 0)
  after[i] = math.max(before[i], now) + interval * cost
  admitted = admitted and after[i] - now <= tonumber(tolerance)
end
if admitted then
  for i, key in ipairs(KEYS) do
    if after[i] > now then
      local life = math.ceil((after[i] - now) / 1000)
      redis.call('SET', key, string.format('%.0f', after[i]), 'PX', life)
    end
  end
end
local answer = {string.format('%.0f', now)}
for i in ipairs(KEYS) do
  answer[i + 1] = string.format('%.0f', before[i])
end
return answer
";

/// Limits in Redis, as long as it answers.
pub(crate) struct RedisLimits {
    client: Client,
    script: Script,
    /// None while Redis does not answer.
    connection: Mutex<Option<MultiplexedConnection>>,
    lost: Notify,
    metrics: Arc<Metrics>,
}

impl RedisLimits {
    /// Limits in the Redis at `client`'s address. Nothing is connected yet.
    pub(crate) fn new(client: Client, metrics: Arc<Metrics>) -> Self {
        // Fails only if somebody else has chosen already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let script = Script::new(CHARGE);
        let connection = Mutex::new(None);
        Self { client, script, connection, lost: Notify::new(), metrics }
    }

    /// Makes every charge, or none. Nothing, if Redis does not answer.
    pub(crate) async fn charge(&self, charges: &[Charge]) -> Option<Decision> {
        let mut connection = self.current()?;
        let began = Instant::now();
        let answered: Result<Vec<u64>, RedisError> =
            self.invocation(charges).invoke_async(&mut connection).await;
        self.metrics.redis_answered(began.elapsed(), answered.is_ok());
        match answered.as_deref() {
            Ok([now, before @ ..]) if before.len() == charges.len() => {
                Some(Decision::of(charges, before, *now))
            }
            Ok(_) => None,
            Err(error) => {
                self.lose(error);
                None
            }
        }
    }

    fn invocation(&self, charges: &[Charge]) -> ScriptInvocation<'_> {
        let mut invocation = self.script.prepare_invoke();
        for Charge { side, subject, rate, cost } in charges {
            invocation.key(format!("{PREFIX}:{}:{}", side.name(), subject.address()));
            invocation.arg(rate.interval_micros()).arg(rate.tolerance_micros()).arg(*cost);
        }
        invocation
    }

    /// Connects, and connects again whenever the connection was lost, until `stop`.
    pub(crate) async fn keep_connected(self: Arc<Self>, stop: CancellationToken) {
        let forever = async {
            loop {
                self.lost.notified().await;
                while self.connect().await.is_err() {
                    sleep(RECONNECT_PAUSE).await;
                }
                info!("Redis answers again: limits are shared");
            }
        };
        stop.run_until_cancelled(forever).await;
    }

    /// Connects for the first time.
    pub(crate) async fn connect_first(&self) {
        match self.connect().await {
            Ok(()) => info!("limits are shared through Redis"),
            Err(error) => self.tell(&error),
        }
    }

    async fn connect(&self) -> Result<(), RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIME))
            .set_response_timeout(Some(ANSWER_TIME));
        let mut connection =
            self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let _: String = redis::cmd("PING").query_async(&mut connection).await?;
        *self.slot() = Some(connection);
        self.metrics.redis_up(true);
        Ok(())
    }

    /// Goes on without Redis; says so once, however many requests find out.
    fn lose(&self, error: &RedisError) {
        let had_one = self.slot().take().is_some();
        self.metrics.redis_up(false);
        if had_one {
            self.tell(error);
        }
    }

    fn tell(&self, error: &RedisError) {
        warn!(%error, "Redis does not answer: limits are kept in this process until it does");
        self.lost.notify_one();
    }

    fn current(&self) -> Option<MultiplexedConnection> {
        self.slot().clone()
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<MultiplexedConnection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
