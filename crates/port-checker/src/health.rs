//! `port-checker health`: does the service of this machine take work?

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use clap::ArgMatches;
use port_checker_client::{Checker, CheckerBuilder};
use port_checker_server::OpenFiles;
use tokio::runtime;

use crate::{
    args::URL, exit_status::UNUSABLE, output::complain, running_service, settings::SettingSources,
};

/// How long it may take to answer: a manager of containers waits no longer either.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks the checker named, or else the one that has the same settings as this process.
pub(crate) fn health(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let checker = match matches.get_one::<CheckerBuilder>(URL).cloned().map_or_else(own, Ok) {
        Ok(checker) => checker.timeout(ANSWER_TIMEOUT).build(),
        Err(unusable) => {
            complain(format!("{unusable:#}"));
            return Ok(ExitCode::from(UNUSABLE));
        }
    };
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start")?.block_on(checker.ready())?;
    Ok(ExitCode::SUCCESS)
}

/// The settings for the address and protocol of the service.
const ADDRESS: [&str; 4] =
    ["PORT_CHECKER_HOST", "PORT_CHECKER_PORT", "PORT_CHECKER_TLS_CERT", "PORT_CHECKER_TLS_KEY"];

/// The service of this machine. Its certificate is for the name that others know it by.
fn own() -> anyhow::Result<CheckerBuilder> {
    let flags = running_service::flags().unwrap_or_default();
    let sources = SettingSources::read(&flags)?;
    let wanted = |variable: &str| ADDRESS.contains(&variable);
    let config = sources.resolve_only(wanted, OpenFiles::raise()?);
    let config = config.map_err(|rejected| anyhow::anyhow!(rejected.join("; ")))?;
    let scheme = if config.tls.certificate.is_some() { "https" } else { "http" };
    let address = SocketAddr::new(reachable(config.host), config.port);
    Ok(Checker::builder(&format!("{scheme}://{address}"))?.unverified())
}

/// Where a service that listens on `host` can be reached from here. On `::` it serves IPv4 too, which a system
/// without IPv6 has.
fn reachable(host: IpAddr) -> IpAddr {
    if host.is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { host }
}
