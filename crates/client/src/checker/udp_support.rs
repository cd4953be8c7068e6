//! Whether a checker judges UDP ports of an address.

use std::{net::IpAddr, sync::atomic::Ordering};

use port_checker_api::{CheckRequest, ErrorCode, Extensible, Transport};

use super::Checker;
use crate::no_verdict::NoVerdict;

impl Checker {
    /// Finds out whether this checker judges UDP ports of `address`.
    ///
    /// # Errors
    /// It does not know UDP, sees this machine at another address, or does not answer.
    pub(crate) async fn require_udp(&self, address: IpAddr) -> Result<(), NoVerdict> {
        if !self.knows_udp(address).await? {
            return Err(NoVerdict::NoUdp { url: self.url().to_owned() });
        }
        match self.ip().await? {
            seen if seen == address => Ok(()),
            seen => Err(NoVerdict::AnothersAddress { url: self.url().to_owned(), address, seen }),
        }
    }

    /// Whether it knows UDP. One that does must refuse a request without a challenge; another one ignores the
    /// transport, and has nothing to check.
    async fn knows_udp(&self, address: IpAddr) -> Result<bool, NoVerdict> {
        if self.knows_udp.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let request = CheckRequest {
            provider_ip: Some(address),
            transport: Some(Transport::Udp),
            ..CheckRequest::of_ports([])
        };
        let knows = match self.check_once(&request, &mut |_| {}).await {
            Ok(_) => false,
            Err(NoVerdict::Refused { code: Some(code), .. }) if is_about_the_challenge(&code) => {
                true
            }
            Err(error) => return Err(error),
        };
        // One that does not may be of a newer version the next time.
        self.knows_udp.fetch_or(knows, Ordering::Relaxed);
        Ok(knows)
    }
}

/// Whether a checker refuses a request for its challenge: the rest of it is good.
fn is_about_the_challenge(code: &Extensible<ErrorCode>) -> bool {
    matches!(code.known(), Some(ErrorCode::InvalidRequest | ErrorCode::InvalidChallenge))
}
