//! The settings: parsed and validated once, then immutable.

mod bounds;
mod choices;
mod invalid;
mod limits;
mod model;
mod open_files;
mod parse;
mod resolve;
mod setting;
mod settings;
mod tls_identity;
mod warnings;

pub use bounds::Bounds;
pub use invalid::InvalidSetting;
pub use model::{Config, CorsOrigins, LogFormat, PageUrls};
pub use open_files::OpenFiles;
pub use port_checker_limits::{Allowance, Limits, RedisUrl};
pub use setting::Setting;
pub use settings::SETTINGS;
pub use tls_identity::{TlsFiles, TlsIdentity, UnusableIdentity};
