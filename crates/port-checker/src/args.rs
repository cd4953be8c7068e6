//! The command line.

use std::{ffi::OsString, net::IpAddr, time::Duration};

use clap::{Arg, ArgMatches, Args, Command as Parser, FromArgMatches, ValueEnum, value_parser};
use clap_complete::Shell;
use port_checker_client::{
    CheckerBuilder, Families, Family, Roots, TransportPort, TransportPortRanges,
};

use crate::{examples, settings::SERVERS, usage_error::stop};

mod attest;
mod attestation;
mod repeat;
mod serve;
mod values;

pub(crate) use attest::AttestArgs;
pub(crate) use attestation::{TrustedIssuer, VerifyStatementsArgs};
use repeat::RepeatArgs;
pub(crate) use serve::{CHECK_CONFIG, ENVIRONMENT_FILE};
pub(crate) use values::unreadable;
use values::{CheckerParser, ip, lease_seconds, quorum, roots, seconds};

/// The command to run.
pub(crate) enum Command {
    /// Run the service.
    Serve(ArgMatches),
    /// The same, without a command: a person may have expected something else.
    ServeByDefault,
    /// Verify ports of this machine.
    Verify(VerifyArgs),
    /// Have ports of any machine checked.
    Check(CheckArgs),
    /// Verify statements of checkers.
    VerifyStatements(VerifyStatementsArgs),
    /// Ask whether a service takes work.
    Health(ArgMatches),
    /// Print the OpenAPI document.
    OpenApi,
    /// Print completions for a shell.
    Completions(Shell),
    /// Print the manual page.
    Man,
}

/// Listen here, have checkers connect back, and explain the results
#[derive(Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) ports: PortArgs,
    /// A checker to ask, http:// or https:// and where it is, http:// if neither is given; may be given
    /// several times. Without any, a checker in this process checks over loopback
    #[arg(long = "server", value_name = "URL", value_parser = CheckerParser, env = SERVERS)]
    #[arg(value_delimiter = ',', hide_env_values = true)]
    pub(crate) servers: Vec<CheckerBuilder>,
    /// Check this machine alone, or its local network: then that is success
    #[arg(long)]
    pub(crate) local: bool,
    /// Do not ask the router for its address and its mappings (NAT-PMP, UPnP)
    #[arg(long)]
    pub(crate) no_router: bool,
    /// Map ports at the router that are not reachable over IPv4 (UPnP, PCP, NAT-PMP), check them again, and
    /// remove the mappings at the end
    #[arg(long, requires = "servers", conflicts_with = "no_router")]
    pub(crate) map: bool,
    /// With --map: leave the mappings at the end, for so many seconds
    #[arg(long, value_name = "SECONDS", requires = "map", value_parser = lease_seconds())]
    pub(crate) keep: Option<u32>,
    /// The address to have checked, instead of the one from which a checker sees this machine; once
    /// for each family
    #[arg(long = "ip", value_name = "IP", requires = "servers", value_parser = ip)]
    pub(crate) addresses: Vec<IpAddr>,
    /// The address families to check [default: those over which a checker sees this machine]
    #[arg(long, value_name = "4|6|both", hide_possible_values = true)]
    pub(crate) family: Option<FamilyArg>,
    #[command(flatten)]
    pub(crate) asking: AskingArgs,
    #[command(flatten)]
    pub(crate) attest: AttestArgs,
    #[command(flatten)]
    pub(crate) repeat: RepeatArgs,
}

/// Ask checkers about the ports of an address
#[derive(Args)]
pub(crate) struct CheckArgs {
    /// The address to have checked
    #[arg(value_parser = ip)]
    pub(crate) ip: IpAddr,
    #[command(flatten)]
    pub(crate) ports: PortArgs,
    /// A checker to ask, http:// or https:// and where it is, http:// if neither is given; may be given
    /// several times
    #[arg(long = "server", value_name = "URL", required = true, value_parser = CheckerParser)]
    #[arg(env = SERVERS, value_delimiter = ',', hide_env_values = true)]
    pub(crate) servers: Vec<CheckerBuilder>,
    #[command(flatten)]
    pub(crate) asking: AskingArgs,
}

/// Which ports.
#[derive(Args)]
pub(crate) struct PortArgs {
    /// Ports, ranges and lists of them, over TCP, or with /udp behind them over UDP: 7466 50800-50899
    /// 80,443,51820/udp
    #[arg(required = true)]
    ports: Vec<TransportPortRanges>,
}

/// How to ask and to report.
#[derive(Args)]
pub(crate) struct AskingArgs {
    /// How many checkers must reach a port for it to count as reachable
    #[arg(long, value_name = "N", default_value = "1", value_parser = quorum)]
    pub(crate) quorum: usize,
    /// How long a checker may take to answer; one that is busy is given up to four minutes more
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// A file in PEM with authorities to trust beside the system's, or with certificates of checkers
    /// themselves, for checkers over HTTPS
    #[arg(long = "ca-file", value_name = "FILE", value_parser = roots)]
    pub(crate) roots: Option<Roots>,
    /// Keep trying until every port is reachable
    #[arg(long)]
    pub(crate) wait: bool,
    /// Print one JSON document with everything instead of the report
    #[arg(long)]
    pub(crate) json: bool,
}

/// Address families by their numbers.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum FamilyArg {
    #[value(name = "4")]
    Ipv4,
    #[value(name = "6")]
    Ipv6,
    Both,
}

impl PortArgs {
    pub(crate) fn iter(&self) -> impl Iterator<Item = TransportPort> {
        self.ports.iter().flat_map(TransportPortRanges::iter)
    }
}

impl From<FamilyArg> for Families {
    fn from(family: FamilyArg) -> Self {
        match family {
            FamilyArg::Ipv4 => Self::Only(Family::Ipv4),
            FamilyArg::Ipv6 => Self::Only(Family::Ipv6),
            FamilyArg::Both => Self::Both,
        }
    }
}

/// The name of the program.
pub(crate) const NAME: &str = "port-checker";

/// The argument of `health` that names a checker.
pub(crate) const URL: &str = "url";

/// Parses the command line; on `--help` or an error prints and exits.
pub(crate) fn parse() -> Command {
    let matches = parser().try_get_matches().unwrap_or_else(|error| stop(&error));
    let Some((name, matches)) = { matches }.remove_subcommand() else {
        return Command::ServeByDefault;
    };
    match name.as_str() {
        "serve" => Command::Serve(matches),
        "verify" => Command::Verify(derived(&matches)),
        "check" => Command::Check(derived(&matches)),
        "attestation" => {
            let (_, matches) = { matches }.remove_subcommand().expect("it is required");
            Command::VerifyStatements(derived(&matches))
        }
        "completions" => Command::Completions(*matches.get_one("SHELL").expect("it is required")),
        "health" => Command::Health(matches),
        "openapi" => Command::OpenApi,
        "man" => Command::Man,
        _ => unreachable!("the parser knows no other command"),
    }
}

/// The flags of `serve` in the command line of another process, if it serves.
pub(crate) fn flags_of_serve(command_line: Vec<OsString>) -> Option<ArgMatches> {
    let mut matches = parser().try_get_matches_from(command_line).ok()?;
    match matches.remove_subcommand() {
        None => Some(ArgMatches::default()),
        Some((name, flags)) => (name == "serve").then_some(flags),
    }
}

fn derived<A: FromArgMatches>(matches: &ArgMatches) -> A {
    A::from_arg_matches(matches).unwrap_or_else(|error| error.exit())
}

/// The widest help, in columns, which is also that of help that goes to no terminal.
const MAX_HELP_WIDTH: usize = 80;

/// The whole command line.
pub(crate) fn parser() -> Parser {
    let with = |examples: String, parser: Parser| match parser.get_after_help() {
        Some(notes) => {
            let notes = notes.to_string();
            parser.after_help(format!("{examples}\n\n{notes}"))
        }
        None => parser.after_help(examples),
    };
    with(examples::overview(), parser_without_examples())
        .mut_subcommand("attestation", |attestation| {
            attestation.mut_subcommand("verify", |verify| {
                with(examples::of_command("attestation verify"), verify)
            })
        })
        .mut_subcommands(|command| with(examples::of_command(command.get_name()), command))
}

/// The whole command line; its help has no examples.
pub(crate) fn parser_without_examples() -> Parser {
    let shell = Arg::new("SHELL").required(true).value_parser(value_parser!(Shell));
    let url = Arg::new(URL).long(URL).value_name("URL").value_parser(CheckerParser).help(
        "The service to ask, instead of the one of this machine that the settings tell where it \
         listens",
    );
    Parser::new(NAME)
        .version(env!("VERSION"))
        .about(
            "Can the Internet reach my ports? Connects back and reports the result for each port.",
        )
        .after_help("Without a command: serve.")
        .max_term_width(MAX_HELP_WIDTH)
        .subcommand(VerifyArgs::augment_args(
            Parser::new("verify").after_help(format!("{LIMIT}\n\n{EXIT_STATUS}")),
        ))
        .subcommand(CheckArgs::augment_args(Parser::new("check").after_help(EXIT_STATUS)))
        .subcommand(attestation::parser())
        .subcommand(serve::parser())
        .subcommand(
            Parser::new("health")
                .about("Ask whether a service takes work: GET /ready")
                .arg(url)
                .after_help(HEALTH_STATUS),
        )
        .subcommand(Parser::new("openapi").about("Print the API as an OpenAPI 3.1 document"))
        .subcommand(Parser::new("completions").about("Print completions for a shell").arg(shell))
        .subcommand(Parser::new("man").about("Print the manual page, in roff"))
}

const LIMIT: &str = "A firewall that admits only hosts which this machine talked to first is not noticed \
                     where a checker connects from the address at which it was asked.";

const EXIT_STATUS: &str = "Exit status: 0 every port is reachable; 1 at least one is not; 2 usage; 3 \
                           a port got no verdict; 130 interrupted; 143 terminated.";

const HEALTH_STATUS: &str = "The settings come from the environment and from a file .env in the \
                             working directory, as for serve. Where one process serves with the \
                             same variables, the flags it was started with count too. The \
                             certificate of the service of this machine is not looked at.\n\nExit status: 0 it takes work; 1 it \
                             does not, or does not answer within five seconds; 2 usage or settings.";
