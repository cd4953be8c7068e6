//! Whatever the body of a check: a request within the limits, or an error with a message.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    const MAX_PORTS: usize = 16;
    match port_checker_server::internals::check_request(body, MAX_PORTS) {
        Ok(request) => assert!(request.ports.len() <= MAX_PORTS),
        Err(message) => assert!(!message.is_empty() && message.len() < 1024, "{message}"),
    }
});
