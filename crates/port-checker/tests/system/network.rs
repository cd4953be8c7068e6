//! The checker in a small Internet: hosts and routers that are network namespaces.
//!
//! The addresses are from documentation ranges, admitted by setting, and lead nowhere else.

mod checkers;
mod containers;
mod families;
mod home;
mod internet;
mod links;
mod lookups;
mod mappings;
mod programs;
mod reasons;
mod shortages;
mod sights;
mod sights_lines;
mod sights_strangers;
mod situations;
mod statements;
mod surroundings;
mod terminals;
mod tls;
mod tls_chains;
mod udp_elsewhere;
mod udp_home;
