//! Whether the statement of a checker is the one that was asked for.

use std::time::SystemTime;

use port_checker_api::{CheckRequest, CheckResponse};
use port_checker_attestation::{
    Audience, Expectations, KeySet, Nonce, Statement, Timestamp, TrustStore,
};

/// Verifies a statement about the ports of a request, by the keys that its checker publishes.
///
/// # Errors
/// It is not what was asked for, or claims more than the answer that it came with.
pub(crate) fn verify(
    token: &str,
    keys: KeySet,
    request: &CheckRequest,
    answer: &CheckResponse,
) -> Result<Statement, String> {
    let mut trusted = TrustStore::default();
    // The checker may have another name than the address at which it is asked.
    trusted.add(None, keys).expect("it is the only one");
    let now: Timestamp = SystemTime::now().try_into().map_err(|_| "the clock here is wrong")?;
    let attest = request.attest.clone().unwrap_or_default();
    let expectations = Expectations {
        address: request.provider_ip.map(Into::into),
        audience: attest.audience.map(Audience::from),
        nonce: attest.nonce.map(Nonce::from),
        ..Expectations::new(&trusted, now)
    };
    let statement = expectations.verify(token).map_err(|error| error.to_string())?;
    compare(&statement, request, answer).map(|()| statement)
}

/// The claims that only this request can know.
fn compare(
    statement: &Statement,
    request: &CheckRequest,
    answer: &CheckResponse,
) -> Result<(), String> {
    let claims = statement.claims();
    let transport = request.transport.unwrap_or_default();
    if claims.transport != transport {
        let (found, expected) = (claims.transport.name(), transport.name());
        return Err(format!("the statement is about {found} instead of {expected}"));
    }
    if Some(&claims.challenge) != request.challenge.as_ref() {
        return Err("the statement has another challenge".to_owned());
    }
    let is_open = |port: u16| answer.results.get(port).is_some_and(|result| result.accessible);
    match claims.open.iter().find(|port| !is_open(port.get())) {
        Some(port) => Err(format!("the statement calls port {port} open, and the answer does not")),
        None => Ok(()),
    }
}
