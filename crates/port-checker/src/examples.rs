//! Examples, for the help and for the manual page.

/// A command line, and what it is for.
pub(crate) struct Example {
    /// The subcommand, with the ones above it.
    pub(crate) command: &'static str,
    pub(crate) line: &'static str,
    pub(crate) purpose: &'static str,
}

/// Every example; the first ones of a command are the commonest.
pub(crate) const EXAMPLES: [Example; 20] = [
    example(
        "verify",
        "port-checker verify 7466 50800-50899 --server https://checker.example",
        "Can the Internet reach these ports of this machine?",
    ),
    example(
        "verify",
        "port-checker verify 7466 --server https://checker.example --wait",
        "Try again until it is open, while you change the router or the firewall",
    ),
    example(
        "verify",
        "port-checker verify 7466 51820/udp --server https://checker.example",
        "UDP too: this command answers the checker",
    ),
    example("verify", "port-checker verify 7466 --local", "Is it usable here? Asks nobody outside"),
    example(
        "verify",
        "port-checker verify 7466 --server a.example --server b.example --quorum 2",
        "Two checkers must reach it",
    ),
    example(
        "verify",
        "port-checker verify 7466 --server https://checker.example --json",
        "Everything that was found, for a program",
    ),
    example(
        "verify",
        "port-checker verify 7466 --server https://a.example --attest proofs",
        "Keep a signed statement for others, who then need not connect",
    ),
    example(
        "check",
        "port-checker check 203.0.113.7 22,443 --server https://checker.example",
        "Can a checker reach these ports of another machine?",
    ),
    example(
        "check",
        "port-checker check 2001:db8::7 443 --server https://a.example --wait",
        "Say when it has opened",
    ),
    example(
        "attestation verify",
        "port-checker attestation verify proofs --issuer https://checker.example",
        "Do these statements hold? Its keys are fetched",
    ),
    example(
        "attestation verify",
        "port-checker attestation verify proofs --issuer a --issuer b --quorum 2",
        "Two checkers, whose keys are in the files a and b, must agree; asks nobody",
    ),
    example(
        "attestation verify",
        "port-checker attestation verify - --issuer a --ip 192.0.2.7 --nonce 4f1c",
        "About this address, and made after you chose the nonce",
    ),
    example(
        "serve",
        "port-checker serve --host ::",
        "Be a checker, on port 9000, over IPv4 and IPv6",
    ),
    example(
        "serve",
        "port-checker serve --tls-cert cert.pem --tls-key key.pem --port 443",
        "Over HTTPS",
    ),
    example(
        "serve",
        "port-checker serve --check-config",
        "Are the settings good? Which are in force?",
    ),
    example("health", "port-checker health", "Does the service of this machine take work?"),
    example("health", "port-checker health --url http://192.0.2.1:9000", "Does that one?"),
    example("openapi", "port-checker openapi >openapi.json", "The document, for a generator"),
    example(
        "completions",
        "source <(port-checker completions bash)",
        "Have this shell, bash, complete the command",
    ),
    example("man", "port-checker man | man -l -", "Read the manual page without installing it"),
];

/// The examples of the whole program: the first ones of these commands.
const OVERVIEW: [(&str, usize); 3] = [("verify", 4), ("check", 1), ("serve", 1)];

const fn example(command: &'static str, line: &'static str, purpose: &'static str) -> Example {
    Example { command, line, purpose }
}

/// The examples of a command, as its help shows them.
pub(crate) fn of_command(command: &str) -> String {
    help_text(examples(command))
}

/// The examples of the whole program, as its help shows them.
pub(crate) fn overview() -> String {
    help_text(OVERVIEW.iter().flat_map(|&(command, count)| examples(command).take(count)))
}

fn examples(command: &str) -> impl Iterator<Item = &'static Example> {
    let is_below = move |below: &str| {
        below.strip_prefix(command).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    EXAMPLES.iter().filter(move |example| is_below(example.command))
}

fn help_text(examples: impl Iterator<Item = &'static Example>) -> String {
    let lines = examples.map(|example| format!("\n  {}\n      {}", example.line, example.purpose));
    format!("Examples:{}", lines.collect::<String>())
}
