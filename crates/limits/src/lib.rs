//! How many probes a caller may ask for and a target may get.
//!
//! [`Limits`] are settings. A [`Limiter`] charges each request for all its ports or not at all: a tariff says
//! the cost of a request, the generic cell rate algorithm (ITU-T I.371) whether that is admitted, and the state
//! is kept in this process or, shared by several instances, in Redis. The storage decides; the decision is
//! only put into words after that.
//!
//! ```
//! use std::{net::IpAddr, sync::Arc};
//! use port_checker_limits::{Allowance, Limiter, Limits, Mode, Unobserved};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let caller = Allowance { per_minute: 60, burst: 10 };
//! let limits = Limits { caller, ..Limits::default() };
//! let limiter = Limiter::new(&limits, None, Arc::new(Unobserved));
//!
//! let address: IpAddr = "192.0.2.1".parse().expect("an address");
//! assert!(limiter.charge((address, address), 10, Mode::Charge).await.is_ok());
//! let refused = limiter.charge((address, address), 1, Mode::Charge).await.err().expect("nothing is left");
//! assert!(refused.retry_after.is_some());
//! # }
//! ```

mod charge;
#[cfg(test)]
mod equivalence;
mod gcra;
mod limiter;
mod memory;
mod observer;
mod quota;
mod receipt;
mod redis;
mod redis_url;
mod refusal;
mod storage;
mod subject;
mod tariff;

pub use charge::Mode;
pub use limiter::Limiter;
pub use observer::{Observer, Unobserved};
pub use quota::{Quota, QuotaOfScope};
pub use receipt::Receipt;
pub use redis_url::{InvalidRedisUrl, RedisUrl};
pub use refusal::Refused;
pub use subject::{Scope, Subject};
pub use tariff::{Allowance, Asker, Limits, Tariff};
