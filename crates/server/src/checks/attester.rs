//! Signed statements about the outcome of a check.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use port_checker_api::{Attest, Challenge, ChallengeOutcome, ErrorCode, Port, Transport};
use port_checker_attestation::{
    Audience, Claims, Issuer, Nonce, OpenPorts, Timestamp, TokenId, Validity, Vantage,
};
use port_checker_probe::{Finding, Verdict};

use super::clock::{self, ClockState};
use crate::{
    config::{Config, SigningKeys},
    error::ApiError,
    observe::metrics::{Metrics, NotSigned},
};

/// Signs statements; without keys, refuses to.
pub(crate) struct Attester {
    signer: Option<(Issuer, Arc<SigningKeys>)>,
    lifetime: Duration,
    vantage: Option<Vantage>,
    /// None: the clock is trusted anyway.
    clock: Option<ClockState>,
    metrics: Arc<Metrics>,
}

/// A statement to be signed when its check has ended.
pub(crate) struct StatementOrder {
    attester: Arc<Attester>,
    issuer: Issuer,
    keys: Arc<SigningKeys>,
    audience: Option<Audience>,
    nonce: Option<Nonce>,
    challenge: Challenge,
    transport: Transport,
}

impl Attester {
    pub(crate) fn new(config: &Config, metrics: Arc<Metrics>) -> Self {
        let settings = &config.attestation;
        Self {
            signer: settings.issuer.clone().zip(config.signing_keys.clone()),
            lifetime: settings.lifetime,
            vantage: settings.vantage.clone(),
            clock: settings.clock_check.then_some(clock::is_synchronised),
            metrics,
        }
    }

    /// Accepts to sign, before anything is probed.
    ///
    /// # Errors
    /// There is no key, or no clock to sign by.
    pub(crate) fn accept(
        self: &Arc<Self>,
        attest: &Attest,
        challenge: Challenge,
        transport: Transport,
    ) -> Result<StatementOrder, ApiError> {
        let Some((issuer, keys)) = self.signer.clone() else {
            return Err(self.refusal(NotSigned::NoKey, ErrorCode::AttestationUnavailable.example()));
        };
        self.require_clock()?;
        Ok(StatementOrder {
            attester: Arc::clone(self),
            issuer,
            keys,
            audience: attest.audience.clone().map(Audience::from),
            nonce: attest.nonce.clone().map(Nonce::from),
            challenge,
            transport,
        })
    }

    fn require_clock(&self) -> Result<(), ApiError> {
        let why = match self.clock.map(|clock| clock()) {
            None | Some(Ok(true)) => return Ok(()),
            Some(Ok(false)) => "says that its clock is not synchronised".to_owned(),
            Some(Err(error)) => format!("does not say whether its clock is synchronised ({error})"),
        };
        let message = format!(
            "this checker signs nothing now, because its system {why}; ask it without attest, or ask another one"
        );
        Err(self.refusal(NotSigned::Clock, &message))
    }

    fn refusal(&self, kind: NotSigned, message: &str) -> ApiError {
        self.metrics.not_signed(kind);
        ApiError::new(ErrorCode::AttestationUnavailable, message)
    }
}

impl StatementOrder {
    /// The port of a finding that may be in a statement: it is open, and its listener sent the challenge.
    pub(super) fn qualifies(finding: &Finding) -> Option<Port> {
        let proven = finding.verdict == Verdict::Open
            && finding.challenge == Some(ChallengeOutcome::Matched);
        proven.then_some(finding.port)
    }

    /// The signed statement about the ports that qualified; none if none did.
    ///
    /// # Errors
    /// The checker could not sign it.
    pub(super) fn sign(
        self,
        address: IpAddr,
        ports: impl IntoIterator<Item = Port>,
    ) -> Result<Option<String>, ApiError> {
        let attester = Arc::clone(&self.attester);
        let Some(open) = OpenPorts::new(ports) else {
            attester.metrics.not_signed(NotSigned::NoPort);
            return Ok(None);
        };
        let token = self.token(address, open).map_err(|message| {
            attester.metrics.not_signed(NotSigned::Failed);
            ApiError::check_failed(message)
        })?;
        attester.metrics.signed();
        Ok(Some(token))
    }

    fn token(self, address: IpAddr, open: OpenPorts) -> Result<String, String> {
        let Self { attester, issuer, keys, audience, nonce, challenge, transport } = self;
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| format!("no random numbers: {error}"))?;
        // The time comes first: a key that signs later may not be published for an earlier statement.
        let now = Timestamp::try_from(SystemTime::now()).map_err(|error| error.to_string())?;
        let validity = Validity::new(now, attester.lifetime.as_secs());
        let claims = Claims {
            issuer,
            validity: validity.map_err(|error| error.to_string())?,
            id: TokenId::from_bytes(&id),
            audience,
            nonce,
            address: address.into(),
            transport,
            open,
            challenge,
            vantage: attester.vantage.clone(),
        };
        keys.signing().key.sign(&claims).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use port_checker_testbed::certificates::signing_key;

    use super::*;
    use crate::config::KeyFiles;

    fn attester(clock: Option<ClockState>) -> Arc<Attester> {
        let directory = tempfile::tempdir().unwrap();
        let signing = directory.path().join("key.pem");
        std::fs::write(&signing, signing_key()).unwrap();
        let mut config = Config::default();
        config.attestation.issuer = Some("https://checker.example.net".parse().unwrap());
        let files = KeyFiles { signing, next: None };
        config.signing_keys = Some(SigningKeys::load(files, config.attestation.lifetime).unwrap());
        let metrics = Metrics::new(&config);
        Arc::new(Attester { clock, ..Attester::new(&config, metrics) })
    }

    #[test]
    fn nothing_is_signed_by_a_clock_that_the_system_does_not_trust() {
        let unknown: ClockState = || Err(io::Error::from(io::ErrorKind::PermissionDenied));
        let cases: [(Option<ClockState>, Option<&str>); 4] = [
            (Some(|| Ok(true)), None),
            (None, None),
            (Some(|| Ok(false)), Some("its clock is not synchronised")),
            (Some(unknown), Some("does not say whether its clock is synchronised (permission")),
        ];
        for (clock, refusal) in cases {
            let attester = attester(clock);
            let challenge = "correct horse battery".parse().unwrap();
            let order = attester.accept(&Attest::default(), challenge, Transport::Tcp);
            match (order, refusal) {
                (Ok(_), None) => {}
                (Err(error), Some(words)) => {
                    let body = format!("{:?}", error.into_body());
                    assert!(body.contains(words) && body.contains("Attestation"), "{body}");
                }
                (order, refusal) => panic!("{:?}, {refusal:?}", order.map(drop)),
            }
        }
    }

    #[test]
    fn the_kernel_is_asked() {
        // Containers may forbid the question; then there is no answer, and nothing would be signed.
        let answer = clock::is_synchronised();
        assert!(
            answer.is_ok() || answer.is_err_and(|it| it.kind() == io::ErrorKind::PermissionDenied)
        );
    }
}
