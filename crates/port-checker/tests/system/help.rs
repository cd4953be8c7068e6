//! What the command says about itself.

use crate::program::port_checker;

#[test]
fn help_is_as_recorded() {
    let cases = [
        ("help", vec!["--help"]),
        ("help_serve", vec!["serve", "--help"]),
        ("help_health", vec!["health", "--help"]),
        ("help_verify", vec!["verify", "--help"]),
        ("help_check", vec!["check", "--help"]),
    ];
    for (name, args) in cases {
        let output = port_checker(&args, &[]).output().unwrap();
        assert!(output.status.success());
        insta::assert_snapshot!(name, String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    for args in [&["sevre"][..], &["serve", "--no-such-flag"], &["serve", "extra"]] {
        let output = port_checker(args, &[]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(!output.stderr.is_empty(), "{args:?}");
    }
}
