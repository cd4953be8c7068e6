//! A checker in this process that checks this machine over loopback when no other is named.

use std::{
    collections::HashSet,
    io,
    net::{IpAddr, SocketAddr},
};

use anyhow::Context;
use port_checker_client::{Checker, CheckerBuilder, Families, Family, Plan};
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

/// The most attempts to find a port that is not to be verified. If all ports are, one is taken.
const MOST_TRIED: usize = 1024;

/// The addresses that it is asked about: this machine's loopback address of each family that the plan tries. Of
/// families that were not asked for by name, those that this machine has.
pub(crate) fn addresses(plan: &Plan) -> Vec<IpAddr> {
    let loopback = plan.families_to_try().into_iter().map(|family| family.loopback());
    let there = |ip: &IpAddr| std::net::TcpListener::bind((*ip, 0)).is_ok();
    loopback.filter(|ip| plan.families != Families::Available || there(ip)).collect()
}

/// Starts it, for the rest of this process, with its part of the descriptors, on a port that is not to be verified. Over
/// UDP a checker judges only the address from which it is asked: then there is one for each loopback address.
pub(crate) async fn start(descriptors: u64, plan: &Plan) -> anyhow::Result<Vec<CheckerBuilder>> {
    let addresses = match plan.has_udp() {
        true => addresses(plan),
        false => vec![Family::Ipv4.loopback()],
    };
    let files = OpenFiles::of(descriptors / addresses.len().max(1) as u64);
    let mut checkers = Vec::with_capacity(addresses.len());
    for address in addresses {
        checkers.push(start_on(address, files, plan).await?);
    }
    Ok(checkers)
}

async fn start_on(
    address: IpAddr,
    files: OpenFiles,
    plan: &Plan,
) -> anyhow::Result<CheckerBuilder> {
    let sources = |variable: &str| {
        SETTINGS.iter().find(|(name, _)| *name == variable).map(|(_, value)| (*value).to_owned())
    };
    let mut config = Config::resolve(sources, files).expect("the settings are good");
    config.cors_origins = CorsOrigins::Only(Vec::new());
    let listener = listen_beside(address, plan).await.context("cannot listen on loopback")?;
    let address = listener.local_addr().context("the listener has no address")?;
    tokio::spawn(port_checker_server::run(listener, config, std::future::pending()));
    Ok(Checker::builder(&format!("http://{address}"))?)
}

/// Takes the port that the kernel offers, or another one if that is to be verified.
async fn listen_beside(address: IpAddr, plan: &Plan) -> io::Result<TcpListener> {
    let verified: HashSet<u16> = plan.ports.iter().map(|port| port.port.get()).collect();
    let listen = |port: u16| TcpListener::bind(SocketAddr::new(address, port));
    let offered = listen(0).await?;
    if !verified.contains(&offered.local_addr()?.port()) {
        return Ok(offered);
    }
    let others = (1024..=u16::MAX).rev().filter(|port| !verified.contains(port));
    for port in others.take(MOST_TRIED) {
        if let Ok(listener) = listen(port).await {
            return Ok(listener);
        }
    }
    Ok(offered)
}
