//! The settings: parsed and validated once, then immutable.

mod attestation;
mod attestation_variables;
mod bounds;
mod choices;
mod invalid;
pub(crate) mod key_ring;
mod limits;
mod load_keys;
mod model;
mod open_files;
mod parse;
mod resolve;
mod setting;
mod settings;
mod signing_keys;
mod tls_identity;
mod warnings;

pub use attestation::AttestationSettings;
pub use bounds::Bounds;
pub use invalid::InvalidSetting;
pub use model::{Config, CorsOrigins, LogFormat, PageUrls};
pub use open_files::OpenFiles;
pub use port_checker_limits::{Allowance, Limits, RedisUrl};
pub use setting::Setting;
pub use settings::SETTINGS;
pub use signing_keys::{KeyFileError, KeyFiles, SigningKeys, UnusableKey};
pub use tls_identity::{TlsFiles, TlsIdentity, UnusableIdentity};
