//! Can the Internet reach my ports? For programs that ask port checkers.
//!
//! An [`Agent`] does the whole verification: it listens on the ports, has every checker dial them
//! back, records the connections, and explains the results. Progress is a stream of
//! [`Event`]s; dropping the [`Verification`] ends it and closes every listener.
//!
//! ```
//! use port_checker_client::{Agent, Checker, Event, Outcome, Plan, PortRanges};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let url = format!("http://{}", listener.local_addr()?);
//! # let mut config = port_checker_server::Config::default();
//! # config.policy.allow_local = true;
//! # tokio::spawn(port_checker_server::run(listener, config, std::future::pending()));
//! let ports: PortRanges = "19466,19800-19809".parse()?;
//! let agent = Agent::new([Checker::new(&url)?]);
//! let mut verification = agent.verify(Plan::of_ports(ports.iter()))?;
//! while let Some(event) = verification.next().await {
//!     match event {
//!         Event::Judged { port, accessible, .. } => println!("{port}: {accessible}"),
//!         Event::Finished(diagnosis) => {
//!             // The checker of this example is on this machine.
//!             assert_eq!(diagnosis.outcome, Outcome::LocalOnly);
//!             for port in &diagnosis.families[0].ports {
//!                 println!("{}: {} {:?}", port.facts.port, port.summary, port.advice);
//!             }
//!         }
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A [`Checker`] is one of the checkers. It either gives a verdict about every port or none at all:
//! whatever is not a success is a [`NoVerdict`], and another checker should be asked. The Python
//! service is a checker too, though it has no progress, no challenge and no `/ip`.
//!
//! ```
//! use port_checker_client::{CheckRequest, Checker};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let url = format!("http://{}", listener.local_addr()?);
//! # let mut config = port_checker_server::Config::default();
//! # config.policy.allow_local = true;
//! # tokio::spawn(port_checker_server::run(listener, config, std::future::pending()));
//! let checker = Checker::new(&url)?;
//! let own = checker.ip().await?;
//! let request = CheckRequest { provider_ip: Some(own), ..CheckRequest::of_ports([1.try_into()?]) };
//! let verdicts = checker
//!     .check(&request, |progress| println!("{}: {}", progress.port, progress.result.accessible))
//!     .await?;
//! assert!(!verdicts.results.get(1).unwrap().accessible);
//! # Ok(())
//! # }
//! ```
//!
//! [`diagnose`] draws the conclusions: a pure function from [`Facts`] to a [`Diagnosis`], for those
//! who gather the facts in another way.

mod agent;
mod answer;
mod bind_error;
mod capture;
mod checker;
mod checker_fault;
mod checker_words;
mod diagnosis;
mod event;
mod explain;
mod facts;
mod family;
mod host;
#[cfg(feature = "internals")]
pub mod internals;
mod lines;
mod listeners;
mod local_address;
mod local_source;
mod no_verdict;
mod peer_filter;
mod plan;
mod resolver;
pub mod router;
mod server_url;
mod sights;
mod sockets;
mod transport;
mod trust;
mod udp_listeners;
mod udp_responder;

pub use agent::{Agent, Verification};
pub use checker::{Checker, CheckerBuilder};
pub use diagnosis::{
    Diagnosis, FamilyDiagnosis, NetworkPosition, Notice, Opinion, Outcome, PortDiagnosis,
    PortVerdict, diagnose,
};
pub use event::Event;
pub use facts::{
    Arrivals, CheckerFacts, Facts, Failure, FamilyFacts, Local, PortFacts, Process, Watch,
};
pub use family::Family;
pub use host::{Host, PointToPoint, PointToPointKind};
pub use no_verdict::NoVerdict;
pub use plan::{Families, InvalidPlan, Plan};
pub use port_checker_api::{
    Challenge, ChallengeOutcome, CheckRequest, CheckResponse, ErrorCode, Extensible, Port,
    PortDetails, PortRanges, PortResult, Progress, Reason, Results, Transport, TransportPort,
    TransportPortRanges, distinct,
};
pub use server_url::InvalidUrl;
pub use sights::{LocalRejection, PeerSights, Sights};
pub use trust::{InvalidRoots, Roots};
pub use udp_responder::{UdpArrival, UdpResponder};
