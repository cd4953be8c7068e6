//! The command on a terminal: what it shows while it works, and what Ctrl-C does.

use std::{
    io::{Read, Write},
    process::{Child, Command, ExitStatus, Stdio},
};

use crate::program::{PORT_CHECKER, configure};

/// The seconds after which a command on a terminal is killed.
const TIMEOUT: &str = "60";

/// The character that a terminal sends for Ctrl-C.
const CTRL_C: &[u8] = b"\x03";

/// The command on a terminal of 80 columns that `script` makes.
pub(crate) struct Terminal {
    script: Child,
    /// Everything that it showed so far.
    shown: String,
    /// How much of that has been waited for.
    known: usize,
}

impl Terminal {
    /// Runs `port-checker` with these arguments, separated by blanks.
    pub(crate) fn run(arguments: &str, settings: &[(&str, &str)]) -> Self {
        let line = format!("stty rows 24 cols 80; exec {PORT_CHECKER} {arguments}");
        let mut command = Command::new("timeout");
        command.args([TIMEOUT, "script", "-qec", &line, "/dev/null"]).env("TERM", "xterm");
        configure(&mut command, settings);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let script = command.spawn().expect("timeout(1) and script(1) are installed");
        Self { script, shown: String::new(), known: 0 }
    }

    /// Reads until a text is shown, behind the one that was waited for before.
    ///
    /// # Panics
    /// When the command ends before.
    pub(crate) fn wait_for(&mut self, text: &str) {
        loop {
            if let Some(at) = self.shown[self.known..].find(text) {
                self.known += at + text.len();
                return;
            }
            assert!(self.read() > 0, "it ended without {text:?}: {:?}", self.shown);
        }
    }

    pub(crate) fn press_ctrl_c(&mut self) {
        let keyboard = self.script.stdin.as_mut().expect("it is piped");
        keyboard.write_all(CTRL_C).and_then(|()| keyboard.flush()).expect("script(1) reads");
    }

    /// Reads to the end.
    pub(crate) fn finish(mut self) -> (ExitStatus, String) {
        while self.read() > 0 {}
        (self.script.wait().expect("it has ended"), self.shown)
    }

    fn read(&mut self) -> usize {
        let mut bytes = [0; 4096];
        let read = self.script.stdout.as_mut().expect("it is piped").read(&mut bytes);
        let count = read.expect("a pipe can be read");
        self.shown += &String::from_utf8_lossy(&bytes[..count]);
        count
    }
}
