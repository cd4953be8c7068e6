//! Limits that several instances share, kept in one Redis.
//!
//! One script a request reads and writes all of the request's keys atomically, with Redis's own
//! clock. A key holds a TAT in microseconds since 1970 as decimal digits, and expires when its
//! subject's allowance is whole again.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use redis::{
    AsyncConnectionConfig, Client, RedisError, Script, ScriptInvocation, aio::MultiplexedConnection,
};
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    charge::{Change, Mode},
    gcra::Reading,
    observer::Observer,
};

/// The beginning of every key; the number changes with the meaning of the values.
const PREFIX: &str = "port-checker:v1";

/// How long Redis may take to answer. A request waits this long at most, once: after that the
/// limits of this process apply until Redis is back.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(250);

/// How long a connection to Redis may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait before the next attempt to reach a Redis that does not answer.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Makes every change of a debt or none, by the arithmetic of [`gcra`](crate::gcra). Takes whether to
/// change or only to answer as if, then, per key, the change and the window; returns, per key, the debt
/// that results and whether the change is admitted. All are microseconds. A key whose value is none of ours
/// counts as unused. One that is further away than the window was written by another clock: it is set
/// to the window's end, so that it passes like any other.
const CHANGE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function tat(key)
  local value = redis.pcall('GET', key)
  local number = type(value) == 'string' and tonumber(value) or 0
  if number >= 0 and number < 1e16 then return number else return 0 end
end
local function owe(key, debt)
  if debt > 0 then
    local life = math.ceil(debt / 1000)
    redis.call('SET', key, string.format('%.0f', now + debt), 'PX', life)
  else
    redis.call('DEL', key)
  end
end
local before, after, admitted = {}, {}, true
for i, key in ipairs(KEYS) do
  local change, window = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local owed = math.max(tat(key) - now, 0)
  before[i] = math.min(owed, window)
  if owed > window then owe(key, window) end
  after[i] = math.max(before[i] + change, 0)
  admitted = admitted and after[i] <= window
end
local answer = {}
for i, key in ipairs(KEYS) do
  if admitted and ARGV[1] == '1' then owe(key, after[i]) end
  answer[2 * i - 1] = admitted and after[i] or before[i]
  answer[2 * i] = after[i] <= tonumber(ARGV[2 * i + 1]) and 1 or 0
end
return answer
";

/// Limits in Redis, as long as it answers.
pub(crate) struct RedisLimits {
    client: Client,
    script: Script,
    link: Mutex<Link>,
    lost: Notify,
    observer: Arc<dyn Observer>,
}

/// The connection in use; none while Redis does not answer. The number tells one from the next.
#[derive(Default)]
struct Link {
    number: u64,
    connection: Option<MultiplexedConnection>,
}

impl RedisLimits {
    /// Limits in the Redis at `client`'s address. Nothing is connected yet.
    pub(crate) fn new(client: Client, observer: Arc<dyn Observer>) -> Self {
        // Fails only if somebody else has chosen already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (link, lost) = (Mutex::default(), Notify::new());
        Self { client, script: Script::new(CHANGE), link, lost, observer }
    }

    /// Makes every change, or none; a dry run answers alike and changes nothing. None if Redis does not answer.
    pub(crate) async fn change(&self, changes: &[Change], mode: Mode) -> Option<Vec<Reading>> {
        let (number, mut connection) = {
            let link = self.link();
            (link.number, link.connection.clone()?)
        };
        let began = Instant::now();
        let answered: Result<Vec<(u64, bool)>, RedisError> =
            self.invocation(changes, mode).invoke_async(&mut connection).await;
        self.observer.redis_answered(began.elapsed(), answered.is_ok());
        match answered {
            Ok(readings) if readings.len() == changes.len() => {
                let reading = |(debt, admitted)| Reading { debt, admitted };
                Some(readings.into_iter().map(reading).collect())
            }
            Ok(_) => None,
            Err(error) => {
                self.lose(number, &error);
                None
            }
        }
    }

    fn invocation(&self, changes: &[Change], mode: Mode) -> ScriptInvocation<'_> {
        let mut invocation = self.script.prepare_invoke();
        invocation.arg(u8::from(mode == Mode::Charge));
        for Change { scope, subject, micros, rate } in changes {
            invocation.key(format!("{PREFIX}:{}:{}", scope.key(), subject.address()));
            invocation.arg(*micros).arg(rate.window_micros());
        }
        invocation
    }

    /// Connects, and connects again whenever the connection was lost, until `stop`.
    pub(crate) async fn keep_connected(self: Arc<Self>, stop: CancellationToken) {
        let forever = async {
            loop {
                self.lost.notified().await;
                loop {
                    sleep(RECONNECT_PAUSE).await;
                    if self.connect().await.is_ok() {
                        break;
                    }
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
            Err(error) => self.log_loss(&error),
        }
    }

    /// Connects, and proves with a change of a key of nobody's that Redis takes writes:
    /// one that is full or a replica answers, too.
    async fn connect(&self) -> Result<(), RedisError> {
        const MICROSECONDS: u64 = 1_000;
        const WINDOW: u64 = 1_000 * MICROSECONDS;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(ANSWER_TIMEOUT));
        let mut connection =
            self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let mut proof = self.script.prepare_invoke();
        proof.key(format!("{PREFIX}:proof")).arg(1).arg(MICROSECONDS).arg(WINDOW);
        let _: Vec<u64> = proof.invoke_async(&mut connection).await?;
        let mut link = self.link();
        link.number += 1;
        link.connection = Some(connection);
        self.observer.redis_up(true);
        Ok(())
    }

    /// Goes on without Redis; says so once, however many requests find out, and however late.
    fn lose(&self, number: u64, error: &RedisError) {
        let mut link = self.link();
        if link.number == number && link.connection.take().is_some() {
            self.observer.redis_up(false);
            self.log_loss(error);
        }
    }

    fn log_loss(&self, error: &RedisError) {
        warn!(%error, "Redis does not answer: limits are kept in this process until it does");
        self.lost.notify_one();
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use port_checker_testbed::{process::free_address, redis as real_redis};
    use tokio::runtime::Runtime;

    use super::*;
    use crate::{observer::Unobserved, redis_url::RedisUrl};

    /// Requests that wait on a connection may learn of its end after another one has replaced it.
    #[test]
    fn a_late_error_of_an_old_connection_leaves_the_new_one_alone() {
        let address = free_address();
        let Some(_redis) = real_redis::start(address, &[]) else { return };
        let url: RedisUrl = format!("redis://{address}").parse().unwrap();
        let limits = RedisLimits::new(url.client(), Arc::new(Unobserved));
        let error = || RedisError::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        Runtime::new().unwrap().block_on(async {
            limits.connect().await.unwrap();
            let old = limits.link().number;
            limits.connect().await.unwrap();
            limits.lose(old, &error());
            assert!(limits.link().connection.is_some(), "the new one stays");
            let new = limits.link().number;
            limits.lose(new, &error());
            assert!(limits.link().connection.is_none(), "its own error ends it");
        });
    }
}
