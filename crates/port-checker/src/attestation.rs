//! `port-checker attestation verify`: believe the statements of checkers, or say why not.

use std::{num::NonZeroUsize, process::ExitCode, time::SystemTime};

use anyhow::Context;
use port_checker_attestation::{Examined, Expectations, Report, Timestamp};

use crate::{
    args::VerifyStatementsArgs,
    exit_status::UNUSABLE,
    output::{complain, print},
};

mod conclusion;
mod document;
mod issuers;
mod statement_files;

use conclusion::Conclusion;

/// Verifies statements.
pub(crate) fn verify(args: VerifyStatementsArgs) -> anyhow::Result<ExitCode> {
    if let Some(complaint) = unreachable_quorum(args.quorum, args.issuers.len()) {
        return Ok(unusable(complaint));
    }
    let found = match statement_files::read(&args.files) {
        Ok(found) => found,
        Err(complaint) => return Ok(unusable(complaint)),
    };
    let known = match issuers::with_keys(args.issuers, args.roots) {
        Ok(known) => known,
        Err(complaint) => return Ok(unusable(format!("{complaint:#}"))),
    };
    for issuer in &known.unavailable {
        complain(format!("no keys of {}: {}", issuer.name, issuer.reason));
    }
    let trusted = match known.trust() {
        Ok(trusted) => trusted,
        Err(twice) => return Ok(unusable(twice.to_string())),
    };
    let now: Timestamp =
        SystemTime::now().try_into().context("the clock of this machine is wrong")?;
    let expectations = Expectations {
        address: args.ip.map(Into::into),
        audience: args.audience,
        nonce: args.nonce,
        ..Expectations::new(&trusted, now)
    };
    let examined: Vec<Examined> = found
        .into_iter()
        .map(|(source, token)| Examined { source, outcome: expectations.verify(&token) })
        .collect();
    let report = Report::new(examined.clone(), now, args.quorum);
    let conclusion = Conclusion::of(&report, &examined, args.quorum, &known.unavailable);
    if args.json {
        print(&document::text(&examined, args.quorum, &conclusion, &known.unavailable)?)?;
    } else {
        print(&format!("{report}{conclusion}\n"))?;
    }
    Ok(conclusion.exit_code())
}

fn unusable(complaint: String) -> ExitCode {
    complain(complaint);
    ExitCode::from(UNUSABLE)
}

/// Why no statements could be enough, if so.
fn unreachable_quorum(quorum: Option<NonZeroUsize>, issuers: usize) -> Option<String> {
    let quorum = quorum.filter(|quorum| quorum.get() > issuers)?;
    Some(format!(
        "a quorum of {quorum} cannot be reached: the number of --issuer is {issuers}, and each counts once"
    ))
}
