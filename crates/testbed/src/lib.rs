//! Real things for the tests to talk to, and to talk with.
//!
//! * [`ports`]: ports of this machine that listen, refuse, or never answer.
//! * [`datagrams`]: UDP ports of this machine that answer in a known way, or never.
//! * [`targets`]: many ports of a namespace that all behave alike.
//! * [`certificates`]: authorities, and certificates of servers.
//! * [`http`]: a client that sends exactly the bytes it is given.
//! * [`http2`]: one that does the same with frames of HTTP/2.
//! * [`process`]: the service and other programs, started and stopped.
//! * [`namespace`]: network namespaces of the tests' own.
//! * [`privilege`]: work with fewer rights than the tests have.
//! * [`long_line`]: distance and loss between two of them.
//! * [`injector`]: packets of any sender that come in at an interface of a namespace.
//! * [`tls`]: a client over HTTPS.
//! * [`costly_tls`]: servers whose certificates are costly to verify.
//! * [`redis`] and [`nginx`]: the real ones.
//! * [`router`]: a home router that speaks UPnP and NAT-PMP.
//! * [`skip`]: the handling of a test whose needs are missing.

pub mod certificates;
pub mod costly_tls;
pub mod datagrams;
pub mod http;
pub mod http2;
pub mod injector;
pub mod long_line;
pub mod namespace;
pub mod nginx;
pub mod ports;
mod priority;
pub mod privilege;
pub mod process;
pub mod redis;
pub mod router;
pub mod skip;
pub mod targets;
pub mod tls;
