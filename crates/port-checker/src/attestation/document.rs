//! The report as one JSON document.

use std::num::NonZeroUsize;

use anyhow::Context;
use port_checker_attestation::{Claims, Examined, QuorumResult, Statement, proven};
use serde::Serialize;

use super::{
    conclusion::{AttestationOutcome, Conclusion},
    issuers::UnavailableIssuer,
};

#[derive(Serialize)]
struct Document {
    outcome: AttestationOutcome,
    /// Why it does not hold.
    reason: Option<String>,
    statements: Vec<StatementEntry>,
    quorum: Option<QuorumEntry>,
    unavailable_issuers: Vec<IssuerEntry>,
}

#[derive(Serialize)]
struct StatementEntry {
    source: String,
    believed: bool,
    reason: Option<String>,
    kid: Option<String>,
    claims: Option<ClaimsEntry>,
}

/// The claims by their names on the wire.
#[derive(Serialize)]
struct ClaimsEntry {
    iss: String,
    iat: u64,
    exp: u64,
    jti: String,
    aud: Option<String>,
    nonce: Option<String>,
    ip: String,
    transport: &'static str,
    open: String,
    challenge: String,
    vantage: Option<VantageEntry>,
}

#[derive(Serialize)]
struct VantageEntry {
    code: String,
    rir: &'static str,
}

#[derive(Serialize)]
struct QuorumEntry {
    required: NonZeroUsize,
    results: Vec<ResultEntry>,
}

#[derive(Serialize)]
struct ResultEntry {
    ip: String,
    transport: &'static str,
    issuers: Vec<String>,
    proven: Option<String>,
    not_proven: Option<String>,
}

#[derive(Serialize)]
struct IssuerEntry {
    issuer: String,
    reason: String,
}

/// The document, with its line feed.
pub(super) fn text(
    examined: &[Examined],
    quorum: Option<NonZeroUsize>,
    conclusion: &Conclusion,
    unavailable: &[UnavailableIssuer],
) -> anyhow::Result<String> {
    let issuer = |issuer: &UnavailableIssuer| IssuerEntry {
        issuer: issuer.name.to_string(),
        reason: issuer.reason.clone(),
    };
    let statements: Vec<Statement> =
        examined.iter().filter_map(|token| token.outcome.clone().ok()).collect();
    let quorum = quorum.map(|required| QuorumEntry {
        required,
        results: proven(&statements, required).iter().map(result).collect(),
    });
    let document = Document {
        outcome: conclusion.outcome,
        reason: Some(conclusion.reason().to_owned()).filter(|reason| !reason.is_empty()),
        statements: examined.iter().map(statement).collect(),
        quorum,
        unavailable_issuers: unavailable.iter().map(issuer).collect(),
    };
    let text = serde_json::to_string_pretty(&document).context("cannot write JSON")?;
    Ok(text + "\n")
}

fn statement(token: &Examined) -> StatementEntry {
    let believed = token.outcome.as_ref();
    StatementEntry {
        source: token.source.clone(),
        believed: believed.is_ok(),
        reason: believed.err().map(ToString::to_string),
        kid: believed.ok().map(|statement| statement.key().to_string()),
        claims: believed.ok().map(|statement| claims(statement.claims())),
    }
}

fn claims(claims: &Claims) -> ClaimsEntry {
    ClaimsEntry {
        iss: claims.issuer.to_string(),
        iat: claims.validity.issued_at().seconds(),
        exp: claims.validity.expires_at().seconds(),
        jti: claims.id.to_string(),
        aud: claims.audience.as_ref().map(ToString::to_string),
        nonce: claims.nonce.as_ref().map(ToString::to_string),
        ip: claims.address.to_string(),
        transport: claims.transport.name(),
        open: claims.open.to_string(),
        challenge: claims.challenge.as_str().to_owned(),
        vantage: claims.vantage.as_ref().map(|vantage| VantageEntry {
            code: vantage.code.as_str().to_owned(),
            rir: vantage.rir.name(),
        }),
    }
}

fn result(result: &QuorumResult) -> ResultEntry {
    ResultEntry {
        ip: result.address.to_string(),
        transport: result.transport.name(),
        issuers: result.issuers.iter().map(ToString::to_string).collect(),
        proven: result.proven.as_ref().map(ToString::to_string),
        not_proven: result.not_proven.as_ref().map(ToString::to_string),
    }
}
