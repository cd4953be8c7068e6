//! A checker of a later version, whose answers have words and fields that this version does not know.

use std::net::{SocketAddr, TcpListener};

use port_checker_testbed::http::JSON;

use crate::by_hand;

/// The port about which it gives a verdict; for others it has an error code.
const WITH_A_VERDICT: u16 = 1;

const VERDICT: &str = r#"{"success": false, "message": "m", "places": 3, "results": {"1": {
    "accessible": false, "error": "Eaten by a dog", "reason": "eaten", "attempts": 2, "connect_ms": 1.5,
    "challenge": "growled", "icmp": {"message": "time_exceeded", "from": "192.0.2.1"}, "teeth": 42}}}"#;

const REFUSAL: &str =
    r#"{"detail": {"code": "OUT_OF_INK", "message": "refill", "colour": "blue"}}"#;

/// Starts it; it ends with the test.
pub(crate) fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound socket");
    by_hand::answer(listener, |request| match request["ports"][0].as_u64() {
        Some(port) if port == u64::from(WITH_A_VERDICT) => by_hand::whole("200 OK", JSON, VERDICT),
        _ => by_hand::whole("422 Unprocessable Content", JSON, REFUSAL),
    });
    address
}
