//! The checker at one end of a line with distance and loss, and those it checks at the other.
//!
//! On loopback a connection is decided before `connect` returns; here none is.

mod cancelled;
mod evidence;
mod lab;
mod peers;
mod progress;
mod resets;
mod udp;
mod verdicts;
