//! Whatever the forwarding headers: the caller is an address, and an untrusted peer's are ignored.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

libfuzzer_sys::fuzz_target!(|headers: (&[u8], &[u8])| {
    let (x_forwarded_for, forwarded) = headers;
    let proxy = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    let stranger = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let caller = |peer| port_checker_server::internals::caller(peer, proxy, x_forwarded_for, forwarded);
    assert_eq!(caller(stranger), stranger);
    assert_eq!(caller(proxy), caller(proxy).to_canonical());
});
