//! The command line of `serve`, whose flags are made from the table of settings.

use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, value_parser};
use port_checker_server::{Config, SETTINGS, Setting};

use super::values::SuggestedValues;

/// The argument that only validates the settings.
pub(crate) const CHECK_CONFIG: &str = "check-config";

/// The argument that names files as systemd reads them.
pub(crate) const ENVIRONMENT_FILE: &str = "env-file";

/// The command `serve`.
pub(super) fn parser() -> Command {
    let check_config = Arg::new(CHECK_CONFIG)
        .long(CHECK_CONFIG)
        .action(ArgAction::SetTrue)
        .help("Validate the settings, print those in force and exit");
    let environment_files = Arg::new(ENVIRONMENT_FILE)
        .long(ENVIRONMENT_FILE)
        .value_name("FILE")
        .action(ArgAction::Append)
        .value_parser(value_parser!(PathBuf))
        .allow_hyphen_values(true)
        .requires(CHECK_CONFIG)
        .help(
            "With --check-config: read the settings from this file as systemd reads it \
             (EnvironmentFile=), instead of from the environment and .env; may be given several \
             times, and the last one wins. One with a hyphen before it may be missing",
        );
    let defaults = Config::default();
    Command::new("serve")
        // Unlisted: documents of others name it.
        .alias("start")
        .about("Run the service")
        .after_help(
            "Each setting can also come from the environment, or from a file .env in the working \
             directory; a flag beats the environment, which beats the file.",
        )
        .args([check_config, environment_files])
        .args(SETTINGS.iter().map(|setting| flag(setting, &defaults)))
}

fn flag(setting: &'static Setting, defaults: &Config) -> Arg {
    let default = setting.show(defaults);
    let default = if default.is_empty() { "none" } else { &default };
    let help = format!("{} [default: {default}] [env: {}]", setting.help, setting.variable);
    let flag = Arg::new(setting.variable).long(setting.flag()).help(help);
    let flag = match setting.choices() {
        choices if choices.is_empty() => flag,
        choices => flag.value_parser(SuggestedValues(choices)).hide_possible_values(true),
    };
    if setting.is_boolean() {
        flag.value_name("BOOL").num_args(0..=1).default_missing_value("true")
    } else {
        flag.value_name("VALUE").allow_hyphen_values(true)
    }
}
