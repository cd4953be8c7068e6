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

mod accept;
mod accept_header;
mod access_log;
mod answer;
mod app;
mod body;
mod caller;
mod caller_slots;
mod config;
mod connection;
mod cross_site;
mod error;
mod https;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
mod limits;
mod listen;
mod log_budget;
mod malformed;
mod metrics;
mod open_files;
mod peers;
mod pool;
mod pulse;
mod quote;
mod resolver;
mod routes;
mod run;
mod state;
mod supervisor;
mod tally;
mod tls;

pub use app::openapi;
pub use config::{
    Allowance, Bounds, Config, CorsOrigins, InvalidSetting, Limits, LogFormat, PageUrls, RedisUrl,
    SETTINGS, Setting, TlsFiles,
};
pub use https::{TlsIdentity, UnusableIdentity};
pub use listen::{adopt, listen};
pub use open_files::OpenFiles;
pub use quote::escaped;
pub use run::{Listeners, run, run_supervised};
pub use supervisor::Supervisor;
