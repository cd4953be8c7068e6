//! Whatever the text of a list of prefixes: settings that show as they can be set, or a message.
#![no_main]

use port_checker_server::{Config, OpenFiles};

const VARIABLE: &str = "PORT_CHECKER_DENIED_TARGETS";

fn resolve(text: &str) -> Option<String> {
    let given = |variable: &str| (variable == VARIABLE).then(|| text.to_owned());
    let config = Config::resolve(given, OpenFiles::of(1024)).ok()?;
    config.in_force().find(|(variable, _)| *variable == VARIABLE).map(|(_, shown)| shown)
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Some(shown) = resolve(text) {
        assert_eq!(resolve(&shown), Some(shown.clone()));
    }
});
