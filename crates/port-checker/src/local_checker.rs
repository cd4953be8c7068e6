//! A checker in this process that checks this machine over loopback, for want of one outside.

use std::net::IpAddr;

use anyhow::Context;
use port_checker_client::{Checker, Families, Family, Plan};
use port_checker_server::{Config, CorsOrigins, OpenFiles};
use tokio::net::TcpListener;

/// It dials loopback and nothing else, for nobody's web page, and counts nothing.
const SETTINGS: [(&str, &str); 5] = [
    ("PORT_CHECKER_ALLOWED_TARGETS", "127.0.0.1/32,::1/128"),
    ("PORT_CHECKER_RATE_PER_MINUTE", "0"),
    ("PORT_CHECKER_TARGET_RATE_PER_MINUTE", "0"),
    ("PORT_CHECK_MAX_PORTS", "65535"),
    ("PORT_CHECK_RETRIES", "1"),
];

/// What it is asked about: this machine's loopback address of each family that the plan tries. Of
/// families that were not asked for by name, those that this machine has.
pub(crate) fn addresses(plan: &Plan) -> Vec<IpAddr> {
    let loopback = plan.families_to_try().into_iter().map(|family| family.loopback());
    let there = |ip: &IpAddr| std::net::TcpListener::bind((*ip, 0)).is_ok();
    loopback.filter(|ip| plan.families != Families::Available || there(ip)).collect()
}

/// Starts it, for the rest of this process, with its part of the descriptors.
pub(crate) async fn start(files: OpenFiles) -> anyhow::Result<Checker> {
    let given = |variable: &str| {
        SETTINGS.iter().find(|(name, _)| *name == variable).map(|(_, value)| (*value).to_owned())
    };
    let mut config = Config::resolve(given, files).expect("the settings are good");
    config.cors_origins = CorsOrigins::Only(Vec::new());
    let listener = TcpListener::bind((Family::Ipv4.loopback(), 0)).await;
    let listener = listener.context("cannot listen on loopback")?;
    let address = listener.local_addr().context("the listener has no address")?;
    tokio::spawn(port_checker_server::run(listener, config, std::future::pending()));
    Ok(Checker::new(&format!("http://{address}"))?)
}
