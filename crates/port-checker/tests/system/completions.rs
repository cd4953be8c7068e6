//! Completions, called in the shells they are for.

use std::{fs, process::Command};

use port_checker_testbed::skip;

use crate::program::{configure, port_checker};

/// The seconds that a shell may take; zsh reads all its completions first.
const SHELL_TIMEOUT: &str = "60";

/// A command line that ends where Tab is pressed, and one of the completions.
const CASES: [(&str, &str); 18] = [
    ("port-checker ver", "verify"),
    ("port-checker ", "check"),
    ("port-checker --ver", "--version"),
    ("port-checker verify --ser", "--server"),
    ("port-checker verify 7466 --wa", "--wait"),
    ("port-checker verify 51820/udp --wa", "--wait"),
    ("port-checker verify --family b", "both"),
    ("port-checker check --ser", "--server"),
    ("port-checker check 203.0.113.7 7466 --js", "--json"),
    ("port-checker attestation ver", "verify"),
    ("port-checker attestation verify proofs --iss", "--issuer"),
    ("port-checker serve --check-con", "--check-config"),
    ("port-checker serve --targets ", "caller"),
    ("port-checker serve --log-format j", "json"),
    ("port-checker serve --debug f", "false"),
    ("port-checker health --u", "--url"),
    ("port-checker completions z", "zsh"),
    ("port-checker help ver", "verify"),
];

/// Calls the function that bash would call, with the variables that bash would set.
const BASH: &str = r#"
    source "$1"
    read -r -a COMP_WORDS <<<"$2"
    case $2 in *' ') COMP_WORDS+=('') ;; esac
    COMP_LINE=$2 COMP_POINT=${#2} COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    [[ $(complete -p port-checker) =~ ' -F '([^ ]+) ]]
    "${BASH_REMATCH[1]}" port-checker "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
    printf '%s\n' "${COMPREPLY[@]}"
"#;

const FISH: &str = "source $argv[1]; complete -C $argv[2]";

/// Types the line and Tab into an interactive shell. Its function `compadd` prints what is to be offered instead of
/// offering it.
const ZSH: &str = r#"
    zmodload zsh/zpty
    zpty shell zsh -f -i
    zpty -w shell "PS1= fpath=(${1:h} \$fpath)"
    zpty -w shell 'autoload -Uz compinit && compinit -u -D'
    zpty -w shell 'compadd() {
        local -a found; builtin compadd -O found "$@"; print -rl -- "" "offered:"$^found
    }'
    zpty -w shell 'finished() { print -r -- "" "finished"" now" }; zle -N finished'
    zpty -w shell "bindkey '^I' complete-word '^X' finished"
    zpty -w -n shell "$2"$'\t\x18'
    zpty -r shell answer '*finished now*'
    print -r -- "$answer"
"#;

/// The completions of a command line.
fn completions(shell: &str, line: &str) -> Vec<String> {
    let directory = tempfile::tempdir().expect("a directory");
    // The name under which zsh looks for it.
    let file = directory.path().join("_port-checker");
    let script = port_checker(&["completions", shell], &[]).output().expect("the program starts");
    fs::write(&file, script.stdout).expect("a new file");
    let mut command = Command::new("timeout");
    command.args([SHELL_TIMEOUT, shell]).env("HOME", directory.path()).env("TERM", "dumb");
    match shell {
        "bash" => command.args(["--norc", "--noprofile", "-c", BASH, shell]),
        "zsh" => command.args(["-f", "-c", ZSH, shell]),
        _ => command.args(["--no-config", "-c", FISH]),
    };
    configure(command.arg(&file).arg(line), &[]);
    let output = command.output().expect("timeout(1) is installed");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{shell}: {}{}", text(&output.stdout), text(&output.stderr));
    let offered = text(&output.stdout);
    let offered = offered.lines().filter_map(|line| match shell {
        "zsh" => line.trim_end().strip_prefix("offered:"),
        // A description follows.
        _ => line.split('\t').next(),
    });
    offered.map(str::to_owned).collect()
}

fn complete_in(shell: &str) {
    if !skip::has(shell, "--version") {
        return;
    }
    for (line, expected) in CASES {
        let found = completions(shell, line);
        assert!(found.iter().any(|word| word == expected), "{shell}: {line}: {found:?}");
    }
    let found = completions(shell, "port-checker verify --ca-file ");
    assert!(!found.iter().any(|word| word.starts_with("--")), "{shell}: a file: {found:?}");
}

#[test]
fn in_bash() {
    complete_in("bash");
}

#[test]
fn in_zsh() {
    complete_in("zsh");
}

#[test]
fn in_fish() {
    complete_in("fish");
}

#[test]
fn for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output =
            port_checker(&["completions", shell], &[]).output().expect("the program starts");
        let script = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && script.contains("verify"), "{shell}: {script}");
    }
}
