//! A real Redis.

use std::{net::SocketAddr, process::Command};

use crate::{process::Running, skip};

/// Starts one that keeps nothing, with these options of redis.conf beside; or says that it is missing.
///
/// # Panics
/// When it does not start.
pub fn start(address: SocketAddr, options: &[&str]) -> Option<Running> {
    if !skip::has("redis-server", "--version") {
        return None;
    }
    let (ip, port) = (address.ip().to_string(), address.port().to_string());
    let common = ["--bind", &ip, "--port", &port, "--save", "", "--appendonly", "no"];
    let mut command = Command::new("redis-server");
    Some(Running::start(command.args(common).args(options), address))
}
