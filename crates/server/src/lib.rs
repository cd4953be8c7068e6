//! The port checker as an HTTP service.
//!
//! A request goes through once and never back: `accept` takes the connection, `caller` says who is
//! asking, `routes` parses the request, the policy turns an address into a vetted target, the
//! prober judges its ports, and the answer is written.
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
    Allowance, Bounds, Config, CorsOrigins, InvalidSetting, Limits, LogFormat, OpenFiles, RedisUrl,
    SETTINGS, Setting, TlsFiles, TlsIdentity, UnusableIdentity,
};
pub use net::listen::{adopt, listen};
pub use quote::escaped;
pub use run::{Listeners, run, run_supervised};
pub use supervisor::Supervisor;
