//! The settings: parsed and validated once, then immutable.

mod bounds;
mod invalid;
mod limits;
mod model;
mod open_files;
mod parse;
mod redis_url;
mod resolve;
mod settings;
mod tls_identity;
mod warnings;

pub use bounds::Bounds;
pub use invalid::InvalidSetting;
pub use limits::{Allowance, Limits};
pub use model::{Config, CorsOrigins, LogFormat};
pub use open_files::OpenFiles;
pub use redis_url::RedisUrl;
pub use settings::{SETTINGS, Setting};
pub use tls_identity::{TlsFiles, TlsIdentity, UnusableIdentity};
