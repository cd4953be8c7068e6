//! The engine of the port checker: given a vetted address, is the port reachable?
//!
//! Two ideas carry this crate:
//!
//! * **A closed port is a result, not an error.** [`Verdict`] is the success type and speaks about
//!   the target; [`Fault`] speaks about the checker, which then has no verdict to give.
//! * **The only way to dial is a vetted target.** A [`Target`] comes from [`Policy::vet`] and from
//!   nowhere else.
//!
//! ```
//! use std::{net::{Ipv4Addr, TcpListener}, time::Duration};
//! use port_checker_probe::{Budget, Policy, Port, Probe, ProbeSettings, Prober, Verdict};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let port = Port::try_from(listener.local_addr()?.port())?;
//!
//! let policy = Policy { allow_local: true, ..Policy::default() };
//! let loopback = Ipv4Addr::LOCALHOST.into();
//! let target = policy.vet(loopback, loopback, vec![port])?;
//!
//! let prober = Prober::new(ProbeSettings::default(), Budget::new(100));
//! let admission = prober.budget().admit_now(loopback, 1).expect("nothing else is checked");
//! let mut check = prober.check(admission, target, Probe::Tcp { challenge: None }, Duration::from_secs(25));
//! while let Some(finding) = check.next().await {
//!     assert_eq!(finding?.verdict, Verdict::Open);
//! }
//! # Ok(())
//! # }
//! ```

mod budget;
mod challenge;
mod check;
mod fault;
mod finding;
mod icmp;
mod policy;
mod port_queue;
mod prober;
mod reactor;
mod schedule;
mod settings;
mod stop;
mod tcp;
mod tls;
mod transport;
mod udp;
mod verdict;
mod worker;

pub use budget::{Admission, Budget, Overloaded};
pub use check::Check;
pub use fault::{Fault, FaultKind};
pub use finding::Finding;
pub use policy::{Policy, Refusal, SPECIAL_PURPOSE, SpecialPurpose, Target, Targets};
pub use port_checker_api::{
    Challenge, ChallengeOutcome, Icmp, IcmpMessage, Port, PortRanges, Reason,
};
pub use prober::{Probe, Prober};
pub use rustls::pki_types::ServerName;
pub use settings::ProbeSettings;
pub use time::OffsetDateTime;
pub use tls::{
    NoTrustRoots, TlsContact, TlsExpectation, TlsFinding, TlsProber, TlsProblem, TlsVerdict,
    Unverified,
};
pub use udp::IgnoredDatagrams;
pub use verdict::Verdict;
