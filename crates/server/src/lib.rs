//! The port checker as an HTTP service.
//!
//! Five floors, each of which uses only those below it. A request enters each once, from the bottom to the
//! top and back:
//!
//! * `routes`: from a request to a check, and from its outcome to an answer;
//! * `checks`: from an admitted check to its outcome, and the words for it;
//! * `admission`: whether a check may begin: policy, time, sockets, price, in this order;
//! * `observe`: the id, the log line and the counters of a request;
//! * `net`: connections, and who is at the other end.
//!
//! Below all of them are the settings (`config`) and errors (`error`); above them `run` puts everything together.
//!
//! [`run`] owns neither the listener nor the signal that ends it, so that tests bind port 0 and run
//! in parallel:
//!
//! ```
//! use port_checker_server::{Config, run};
//!
//! # #[tokio::main]
//! # async fn main() -> std::io::Result<()> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let shutdown = async { /* a signal, a channel, … */ };
//! run(listener, Config::default(), shutdown).await;
//! # Ok(())
//! # }
//! ```

mod admission;
mod app;
mod checks;
mod config;
mod counted;
mod error;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
mod net;
mod observe;
mod quote;
mod rate_limit;
mod routes;
mod run;
mod supervisor;

pub use app::openapi;
pub use config::{
    Allowance, AttestationSettings, Bounds, Config, CorsOrigins, InvalidSetting, KeyFileError,
    KeyFiles, Limits, LogFormat, OpenFiles, PageUrls, RedisUrl, SETTINGS, Setting, SigningKeys,
    TlsFiles, TlsIdentity, UnusableIdentity, UnusableKey,
};
pub use net::listen::{adopt, listen};
pub use quote::escaped;
pub use run::{Listeners, run, run_supervised};
pub use supervisor::Supervisor;
