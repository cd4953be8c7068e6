//! The wire format of the port checker, as types.
//!
//! This crate is shared by the server and by everything that talks to it. It knows JSON shapes and
//! the words of the contract; it knows nothing of sockets, HTTP or the command line.
//!
//! ```
//! use port_checker_api::{CheckRequest, CheckResponse};
//!
//! let request: CheckRequest =
//!     serde_json::from_str(r#"{"provider_ip": "192.0.2.7", "ports": [7466, 50800]}"#)?;
//! assert_eq!(request.ports.len(), 2);
//!
//! let answer: CheckResponse = serde_json::from_str(
//!     r#"{"success": false,
//!         "results": {"7466": {"accessible": false, "error": "Connection refused"}},
//!         "message": "Successfully verified 0 out of 1 ports"}"#,
//! )?;
//! assert!(!answer.results.get(7466).unwrap().accessible);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod attest;
mod challenge;
mod check;
mod claim_text;
mod datagram;
mod error;
mod extensible;
mod icmp;
#[cfg(feature = "openapi")]
mod openapi;
mod ports;
mod progress;
mod reason;
mod results;
mod status;
mod subscriber;
mod tls;
mod transport;
mod transport_port;

pub use attest::Attest;
pub use challenge::{Challenge, ChallengeOutcome, InvalidChallenge};
pub use check::{CheckRequest, CheckResponse};
pub use claim_text::{ClaimText, InvalidClaimText};
pub use datagram::{UDP_DATAGRAM_BYTES, UDP_TOKEN_BYTES, UdpAnswer, UdpQuestion};
pub use error::{ErrorBody, ErrorCode, ErrorDetail};
pub use extensible::Extensible;
pub use icmp::{Icmp, IcmpMessage};
pub use ports::{InvalidPorts, JsonPort, Port, PortRanges, distinct};
pub use progress::{NDJSON, OwnAddress, OwnPort, Progress, Summary};
pub use reason::Reason;
pub use results::{PortDetails, PortResult, Results};
pub use status::{Health, HealthStatus, Readiness, ReadinessStatus};
pub use subscriber::subscriber;
pub use tls::{TlsCheckRequest, TlsCheckResponse};
pub use transport::Transport;
pub use transport_port::{InvalidTransportPorts, TransportPort, TransportPortRanges};
