//! The command line. The flags of `serve` are made from the table of settings.

use clap::{Arg, ArgAction, ArgMatches, Command as Parser};
use port_checker_server::{Config, SETTINGS, Setting};

/// What to do.
pub(crate) enum Command {
    /// Run the service.
    Serve(ArgMatches),
    /// Print the OpenAPI document.
    OpenApi,
}

/// The argument that only validates the settings.
pub(crate) const CHECK_CONFIG: &str = "check-config";

/// Parses the command line; on `--help` or an error prints and exits.
pub(crate) fn parse() -> Command {
    let mut matches = parser().get_matches();
    match matches.remove_subcommand() {
        Some((name, _)) if name == "openapi" => Command::OpenApi,
        Some((_, serve)) => Command::Serve(serve),
        None => Command::Serve(ArgMatches::default()),
    }
}

fn parser() -> Parser {
    Parser::new("port-checker")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Can the Internet reach my ports? Dials back and says, per port, what it found.")
        .after_help("Without a command: serve.")
        .subcommand(serve())
        .subcommand(Parser::new("openapi").about("Print the API as an OpenAPI 3.1 document"))
}

fn serve() -> Parser {
    let check_config = Arg::new(CHECK_CONFIG)
        .long(CHECK_CONFIG)
        .action(ArgAction::SetTrue)
        .help("Validate the settings, print those in force and exit");
    let defaults = Config::default();
    Parser::new("serve")
        .about("Run the service")
        .after_help(
            "Each setting can also come from the environment, or from a file .env in the working \
             directory; a flag beats the environment, which beats the file.",
        )
        .arg(check_config)
        .args(SETTINGS.iter().map(|setting| flag(setting, &defaults)))
}

fn flag(setting: &'static Setting, defaults: &Config) -> Arg {
    let default = setting.show(defaults);
    let default = if default.is_empty() { "none" } else { &default };
    let help = format!("{} [default: {default}] [env: {}]", setting.help, setting.variable);
    let flag = Arg::new(setting.variable).long(setting.flag()).help(help);
    if setting.is_boolean() {
        flag.value_name("BOOL").num_args(0..=1).default_missing_value("true")
    } else {
        flag.value_name("VALUE").allow_hyphen_values(true)
    }
}
