//! The arguments of `attestation verify`.

use std::{net::IpAddr, num::NonZeroUsize, path::PathBuf};

use clap::{Args, Command};
use port_checker_attestation::{Audience, InvalidClaim, Issuer, Nonce};
use port_checker_client::{Checker, CheckerBuilder, Roots};

use super::values::{ip, roots};

/// Verify signed statements that ports are open, with the keys of checkers that you trust
#[derive(Args)]
pub(crate) struct VerifyStatementsArgs {
    /// Files with one statement on each line; - is standard input
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// A checker whose statements are believed: a JWKS file, which has its keys, its URL and such a file (URL=FILE),
    /// or its URL, from which the keys are fetched; once for each checker
    #[arg(long = "issuer", value_name = "URL|JWKS", required = true, value_parser = issuer)]
    pub(crate) issuers: Vec<TrustedIssuer>,
    /// The address that the statements must be about
    #[arg(long, value_name = "IP", value_parser = ip)]
    pub(crate) ip: Option<IpAddr>,
    /// The audience that the statements must be for; without it, statements for an audience are refused
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) audience: Option<Audience>,
    /// The nonce that must be in the statements
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) nonce: Option<Nonce>,
    /// How many checkers must have seen a port open, for each address; with 3 or more, they must name at least two
    /// regional registries if they name any. Statements that are not believed then only do not count
    #[arg(long, value_name = "N", value_parser = quorum)]
    pub(crate) quorum: Option<NonZeroUsize>,
    /// A file in PEM with authorities to trust beside the system's, for keys that are fetched
    #[arg(long = "ca-file", value_name = "FILE", value_parser = roots)]
    pub(crate) roots: Option<Roots>,
    /// Print one JSON document instead of the table
    #[arg(long)]
    pub(crate) json: bool,
}

/// A checker whose statements are believed.
#[derive(Debug, Clone)]
pub(crate) enum TrustedIssuer {
    /// Its keys are in a file.
    InFile { name: Option<Issuer>, path: PathBuf },
    /// Its keys are fetched.
    Remote { name: Issuer, checker: Box<CheckerBuilder> },
}

const STATEMENTS_STATUS: &str = "Files are read, nothing is sent; only for an --issuer that is a URL alone, its keys are fetched. \
                                 No URL in a statement is ever followed.\n\nExit status: 0 the statements hold; 1 they \
                                 do not; 2 usage, or a file that cannot be read; 3 the keys that would decide could \
                                 not be fetched.";

/// The command `attestation`.
pub(super) fn parser() -> Command {
    let verify = Command::new("verify").after_help(STATEMENTS_STATUS);
    Command::new("attestation")
        .about("Verify signed statements that ports are open")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand(VerifyStatementsArgs::augment_args(verify))
}

fn issuer(text: &str) -> Result<TrustedIssuer, String> {
    let is_url = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    match text.split_once('=') {
        Some((url, path)) if is_url => {
            Ok(TrustedIssuer::InFile { name: Some(name(url)?), path: path.into() })
        }
        None if is_url => remote(text),
        _ => Ok(TrustedIssuer::InFile { name: None, path: text.into() }),
    }
}

/// People copy URLs with a final slash.
fn name(url: &str) -> Result<Issuer, String> {
    let name = url.strip_suffix('/').unwrap_or(url);
    name.parse().map_err(|error: InvalidClaim| error.to_string())
}

fn remote(url: &str) -> Result<TrustedIssuer, String> {
    let name = name(url)?;
    let checker = Checker::builder(name.as_str()).map_err(|error| error.to_string())?;
    if url.starts_with("http://") && !checker.is_local() {
        return Err(format!(
            "keys that come over plain HTTP can be anybody's; expected https://, or the keys in a file: {name}=FILE"
        ));
    }
    Ok(TrustedIssuer::Remote { name, checker: Box::new(checker) })
}

fn quorum(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "expected a number of checkers, 1 or more".to_owned())
}
