//! Whatever comes in at an interface: a packet, or none; and one that is cut short is none, or the same.
#![no_main]

use port_checker_client::internals::packet;

libfuzzer_sys::fuzz_target!(|input: (u16, &[u8])| {
    let (length, bytes) = input;
    let whole = packet(bytes);
    let cut = packet(&bytes[..bytes.len().min(length.into())]);
    assert!(cut.is_none() || cut == whole, "{cut:?} of {whole:?}");
});
