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
    let commands = ["", "verify", "check", "serve", "health", "openapi", "completions", "man"];
    for command in commands {
        let args: Vec<_> = [command, "--help"].into_iter().filter(|arg| !arg.is_empty()).collect();
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
            assert!(words[0] == command || command.is_empty(), "{line:?}");
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
