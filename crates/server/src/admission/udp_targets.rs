//! The rule about targets over UDP.

use std::net::IpAddr;

use port_checker_api::ErrorCode;

use super::transport::Transport;
use crate::error::ApiError;

/// Over UDP only the caller's own address is checked, whatever the policy admits: its connection to this service
/// has proved that the address is the caller's, so that nobody can have datagrams sent to anybody else.
///
/// # Errors
/// `TARGET_NOT_ALLOWED`: the target is another address.
pub(super) fn require_own_address(
    transport: Transport,
    caller: IpAddr,
    target: IpAddr,
) -> Result<(), ApiError> {
    let (caller, target) = (caller.to_canonical(), target.to_canonical());
    if transport != Transport::Udp || caller == target {
        return Ok(());
    }
    let message = format!(
        "{target} is not your own address, which is {caller} as seen from here; over UDP no other address is \
         checked, and no setting admits one"
    );
    Err(ApiError::new(ErrorCode::TargetNotAllowed, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_udp_nobody_asks_about_another_address() {
        let cases = [
            (Transport::Udp, "192.0.2.7", "192.0.2.7", true, "the caller's own"),
            (Transport::Udp, "::ffff:192.0.2.7", "192.0.2.7", true, "the same, in another form"),
            (Transport::Udp, "192.0.2.7", "192.0.2.8", false, "a neighbour"),
            (Transport::Udp, "2001:db8::7", "2001:db8::8", false, "in the same /64"),
            (Transport::Udp, "127.0.0.1", "::1", false, "the other family"),
            (Transport::Tcp, "192.0.2.7", "198.51.100.7", true, "over TCP the policy decides"),
            (Transport::Tls, "192.0.2.7", "198.51.100.7", true, "over TLS too"),
        ];
        for (transport, caller, target, admitted, why) in cases {
            let (caller, target) = (caller.parse().unwrap(), target.parse().unwrap());
            let judged = require_own_address(transport, caller, target);
            assert_eq!(judged.is_ok(), admitted, "{why}");
        }
    }
}
