//! The rule about targets that are not the caller, over transports that are for the caller alone.

use std::net::IpAddr;

use port_checker_api::ErrorCode;
use port_checker_limits::Asker;

use super::check_kind::CheckKind;
use crate::error::ApiError;

/// Over some transports only the caller's own address is checked, whatever the policy admits: its connection to
/// this service has proved that the address is the caller's, so that nobody can have datagrams sent to anybody else.
///
/// # Errors
/// `TARGET_NOT_ALLOWED`: the target is another address.
pub(super) fn require_own_address(
    kind: CheckKind,
    caller: IpAddr,
    target: IpAddr,
) -> Result<(), ApiError> {
    let is_third_party = Asker::of(caller, target) == Asker::ThirdParty;
    let Some(transport) = kind.for_own_address_only().filter(|_| is_third_party) else {
        return Ok(());
    };
    let (caller, target) = (caller.to_canonical(), target.to_canonical());
    let message = format!(
        "{target} is not your own address, which is {caller} as seen from here; over {} no other address is \
         checked, and no setting admits one",
        transport.title()
    );
    Err(ApiError::new(ErrorCode::TargetNotAllowed, message))
}

#[cfg(test)]
mod tests {
    use port_checker_api::Transport;

    use super::*;

    #[test]
    fn over_udp_nobody_asks_about_another_address() {
        let [tcp, udp] = [Transport::Tcp, Transport::Udp].map(CheckKind::Ports);
        let cases = [
            (udp, "192.0.2.7", "192.0.2.7", true, "the caller's own"),
            (udp, "::ffff:192.0.2.7", "192.0.2.7", true, "the same, in another form"),
            (udp, "192.0.2.7", "192.0.2.8", false, "a neighbour"),
            (udp, "2001:db8::7", "2001:db8::8", false, "in the same /64"),
            (udp, "127.0.0.1", "::1", false, "the other family"),
            (tcp, "192.0.2.7", "198.51.100.7", true, "over TCP the policy decides"),
            (CheckKind::Tls, "192.0.2.7", "198.51.100.7", true, "over TLS too"),
        ];
        for (kind, caller, target, admitted, why) in cases {
            let (caller, target) = (caller.parse().unwrap(), target.parse().unwrap());
            let judged = require_own_address(kind, caller, target);
            assert_eq!(judged.is_ok(), admitted, "{why}");
        }
    }
}
