//! `port-checker serve`: settings, log, listener, signals, service.

use std::{
    fmt::Display,
    net::SocketAddr,
    path::PathBuf,
    process::{ExitCode, exit},
    sync::Arc,
};

use anyhow::Context;
use clap::ArgMatches;
use port_checker_server::{
    Config, Listeners, OpenFiles, SigningKeys, TlsIdentity, adopt, escaped, run_supervised,
};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};
use tracing::{info, warn};

use crate::{
    args::{CHECK_CONFIG, ENVIRONMENT_FILE},
    end_signals::EndSignals,
    exit_status::UNUSABLE,
    logging,
    output::{complain, print},
    service_manager::ServiceManager,
    settings::SettingSources,
    socket_activation::ActivatedSockets,
};

/// Runs the service until a signal ends it.
pub(crate) fn serve(flags: &ArgMatches) -> anyhow::Result<ExitCode> {
    let activated = match ActivatedSockets::take() {
        Ok(activated) => activated,
        Err(error) => return Ok(reject(&[format!("{error:#}")])),
    };
    let files = OpenFiles::raise().context("cannot raise the open-file limit")?;
    let environment_files = flags.try_get_many::<PathBuf>(ENVIRONMENT_FILE).ok().flatten();
    let sources = match environment_files {
        Some(files) => SettingSources::read_environment_files(files, flags),
        None => SettingSources::read(flags),
    };
    let sources = match sources {
        Ok(sources) => sources,
        Err(error) => return Ok(reject(&[format!("{error:#}")])),
    };
    let checked_only = matches!(flags.try_get_one::<bool>(CHECK_CONFIG), Ok(Some(true)));
    let config = match sources.resolve(files) {
        Ok(config) => Config { revision: env!("REVISION"), ..config },
        Err(rejected) => {
            sources.warnings().iter().for_each(complain);
            return Ok(reject(&rejected));
        }
    };
    let warnings = [sources.warnings(), config.warnings()].concat();
    if checked_only {
        warnings.iter().for_each(complain);
        return print_settings(&config);
    }
    let _log = logging::init(&config);
    for warning in warnings {
        warn!("{warning}");
    }
    run(config, activated)
}

#[tokio::main]
async fn run(mut config: Config, activated: ActivatedSockets) -> anyhow::Result<ExitCode> {
    let listeners = listeners(&config, activated)?;
    let address = listeners.api.local_addr().context("the listener has no address")?;
    let metrics = listeners.metrics.as_ref().and_then(|listener| listener.local_addr().ok());
    config.metrics_address = metrics;
    let mut signals = EndSignals::listen()?;
    let hangups = signal(SignalKind::hangup()).context("cannot wait for signals")?;
    let manager = Arc::new(ServiceManager::of_environment(status(address, metrics)));
    let files = ReadAgain { tls: listeners.tls.clone(), keys: config.signing_keys.clone() };
    let reloads = tokio::spawn(reload(hangups, files, Arc::clone(&manager)));
    info!(
        %address,
        tls = listeners.tls.is_some(),
        metrics = metrics.map(display),
        version = env!("CARGO_PKG_VERSION"),
        revision = config.revision,
        sockets = config.max_in_flight,
        "listening"
    );
    let end = async {
        signals.next().await;
        // A second one ends the process at once.
        tokio::spawn(async move {
            signals.next().await;
            exit(1);
        });
        // The manager was told that the service ends, and must not be told that it is ready again.
        reloads.abort();
    };
    run_supervised(listeners, config, &manager, end).await;
    Ok(ExitCode::SUCCESS)
}

/// The sockets to listen on, and the certificate to show there. Sockets from the service manager take the
/// place of those that the settings name.
fn listeners(config: &Config, activated: ActivatedSockets) -> anyhow::Result<Listeners> {
    let unusable = "cannot listen on the socket handed over (LISTEN_FDS)";
    let api = match activated.api {
        Some(socket) => adopt(socket).context(unusable)?,
        None => listen(config.address(), "PORT_CHECKER_HOST, PORT_CHECKER_PORT")?,
    };
    let metrics = match (activated.metrics, config.metrics_address) {
        (Some(socket), _) => Some(adopt(socket).context(unusable)?),
        (None, Some(address)) => Some(listen(address, "PORT_CHECKER_METRICS_ADDR")?),
        (None, None) => None,
    };
    let tls = match (&config.tls.certificate, &config.tls.key) {
        (None, None) => None,
        _ => Some(TlsIdentity::load(&config.tls)?),
    };
    Ok(Listeners { api, tls, metrics })
}

/// The status of the service, for people.
fn status(address: SocketAddr, metrics: Option<SocketAddr>) -> String {
    let metrics = metrics.map(|address| format!(", for /metrics on {address}"));
    format!("Listening on {address}{}", metrics.unwrap_or_default())
}

/// What is read again at SIGHUP.
struct ReadAgain {
    tls: Option<Arc<TlsIdentity>>,
    keys: Option<Arc<SigningKeys>>,
}

/// Reads the files again at every SIGHUP.
async fn reload(mut hangups: Signal, files: ReadAgain, manager: Arc<ServiceManager>) {
    while hangups.recv().await.is_some() {
        manager.reloading();
        let tls = files.tls.as_ref().map(|identity| {
            reloaded("the certificate and its key", "the certificate and key", identity.reload())
        });
        let keys = files.keys.as_ref().map(|keys| {
            reloaded("the keys for statements", "the keys for statements", keys.reload())
        });
        let said: Vec<String> = tls.into_iter().chain(keys).collect();
        if said.is_empty() {
            info!("there is no certificate to read again");
            manager.reloaded("there is no certificate to read again");
        } else {
            manager.reloaded(&said.join("; "));
        }
    }
}

/// Says whether files were read again or what was there is kept.
fn reloaded(new: &str, old: &str, result: Result<(), impl Display>) -> String {
    match result {
        Ok(()) => {
            let said = format!("{new} were read again");
            info!("{said}");
            said
        }
        Err(error) => {
            warn!(%error, "keeping {old} there were");
            format!("keeping {old} there were: {error}")
        }
    }
}

fn listen(address: SocketAddr, settings: &str) -> anyhow::Result<TcpListener> {
    port_checker_server::listen(address)
        .with_context(|| format!("cannot listen on {address} ({settings})"))
}

fn reject(complaints: &[impl Display]) -> ExitCode {
    complaints.iter().for_each(complain);
    ExitCode::from(UNUSABLE)
}

fn print_settings(config: &Config) -> anyhow::Result<ExitCode> {
    let line =
        |(variable, value): (_, String)| format!("{variable}={}\n", escaped(&value, usize::MAX));
    print(&config.in_force().map(line).collect::<String>())?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the API as an OpenAPI document.
pub(crate) fn print_openapi() -> anyhow::Result<ExitCode> {
    let document = port_checker_server::openapi(&Config::default());
    print(&(document.to_pretty_json().context("cannot write the document")? + "\n"))?;
    Ok(ExitCode::SUCCESS)
}
