//! What the command says about itself.

use crate::{program::port_checker, terminal::Terminal};

#[test]
fn help_is_as_recorded() {
    let cases = [
        ("help", vec!["--help"]),
        ("help_serve", vec!["serve", "--help"]),
        ("help_health", vec!["health", "--help"]),
        ("help_verify", vec!["verify", "--help"]),
        ("help_check", vec!["check", "--help"]),
        ("help_attestation", vec!["attestation", "--help"]),
        ("help_attestation_verify", vec!["attestation", "verify", "--help"]),
    ];
    for (name, args) in cases {
        insta::assert_snapshot!(name, help(&args));
    }
}

fn help(args: &[&str]) -> String {
    let output = port_checker(args, &[]).output().expect("the program starts");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("text")
}

/// They are tried as they are written, with a last argument that asks for help instead of carrying them out.
#[test]
fn every_help_has_examples_that_can_be_used_in_80_columns() {
    let commands = [
        "",
        "verify",
        "check",
        "attestation",
        "attestation verify",
        "serve",
        "health",
        "openapi",
        "completions",
        "man",
    ];
    for command in commands {
        let args: Vec<_> = command.split_whitespace().chain(["--help"]).collect();
        let text = help(&args);
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|widest| widest <= 80), "{widest:?}: {text}");
        let (_, examples) = text.split_once("\nExamples:\n").expect(&text);
        let examples: Vec<_> = examples.lines().take_while(|line| !line.is_empty()).collect();
        assert!(!examples.is_empty(), "{text}");
        for line in examples.iter().filter_map(|line| line.trim_start().split_once("port-checker "))
        {
            let words: Vec<_> = line.1.split(&[' ', ')']).collect();
            let end = words.iter().position(|word| [">openapi.json", "|", ""].contains(word));
            let words = &words[..end.unwrap_or(words.len())];
            assert!(words.join(" ").starts_with(command), "{line:?}");
            let output = port_checker(&[words, &["--help"]].concat(), &[]).output().unwrap();
            assert!(output.status.success(), "{line:?}: {output:?}");
        }
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

/// To a person, and not to the log of a service, even if somebody asked for it by its name.
#[test]
fn the_name_alone_on_a_terminal_points_at_the_other_commands() {
    const HINT: &str =
        "port-checker: this serves others; to verify your own ports: port-checker verify 7466";
    for (arguments, is_shown) in [("", true), ("serve", false)] {
        let settings = [("PORT_CHECKER_HOST", "127.0.0.1"), ("PORT_CHECKER_PORT", "0")];
        let mut terminal = Terminal::run(arguments, &settings);
        terminal.wait_for("listening");
        terminal.press_ctrl_c();
        let (status, shown) = terminal.finish();
        assert_eq!(status.code(), Some(0), "{shown:?}");
        assert_eq!(shown.contains(HINT), is_shown, "{arguments}: {shown:?}");
    }
    let unusable = [("PORT_CHECKER_PORT", "none")];
    let output = port_checker(&[], &unusable).output().expect("the program starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && !complaint.contains("this serves"), "{complaint}");
}
