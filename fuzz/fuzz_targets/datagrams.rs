//! Datagrams that arrive at a checker or at a listener: no bytes are too odd, and what is read is what was sent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use port_checker_api::{UDP_DATAGRAM_BYTES, UdpAnswer, UdpQuestion};

fuzz_target!(|datagram: &[u8]| {
    if let Some(question) = UdpQuestion::parse(datagram) {
        assert_eq!(question.to_bytes(), datagram);
        assert_eq!(UdpQuestion::begins(datagram), Some(question));
        assert!(UdpAnswer::parse(datagram).is_none());
    }
    if let Some(answer) = UdpAnswer::parse(datagram) {
        assert!(datagram.len() <= UDP_DATAGRAM_BYTES);
        let question = UdpQuestion { token: answer.token };
        assert_eq!(question.answered(answer.challenge), datagram);
        assert!(UdpQuestion::begins(datagram).is_none());
    }
});
