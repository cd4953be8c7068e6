//! Whatever the text: a list of ports that reads back as it is shown, or none.
#![no_main]

use port_checker_api::PortRanges;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(ports) = text.parse::<PortRanges>() {
        assert_eq!(ports.to_string().parse(), Ok(ports));
    }
});
