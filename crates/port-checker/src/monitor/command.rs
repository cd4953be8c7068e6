//! The command that is run when a verdict has changed.

use std::{
    io::{self, stderr},
    os::fd::AsFd,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use port_checker_client::TransportPort;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{process, task::block_in_place, time::timeout};

use super::observation::{Observation, PortsByState};
use crate::output::complain;

/// How long the command may run; never longer than the interval of the rounds, so that it does not delay them much.
const MAX_RUN_TIME: Duration = Duration::from_secs(60);

/// How long it may take to end after SIGTERM, before SIGKILL.
const TERM_TIMEOUT: Duration = Duration::from_secs(2);

/// A command for the shell.
pub(super) struct Command {
    text: String,
    /// The ports that are verified.
    ports: Vec<TransportPort>,
    max_run_time: Duration,
}

/// The processes of a command that was started; they are killed when this is dropped.
struct ProcessGroup(Option<Pid>);

/// How a command ended.
enum End {
    Exited(ExitStatus),
    TakenTooLong,
}

impl Command {
    /// It may run no longer than `interval`.
    pub(super) fn new(text: String, ports: Vec<TransportPort>, interval: Duration) -> Self {
        Self { text, ports, max_run_time: interval.min(MAX_RUN_TIME) }
    }

    /// Runs it to its end, with the result of a round in its environment. Its failure is reported and is no failure
    /// of ours.
    pub(super) async fn run(&self, now: &Observation, previous_status: Option<u8>) {
        let complaint = match self.attempt(now, previous_status).await {
            Ok(End::Exited(status)) if status.success() => return,
            Ok(End::Exited(status)) => format!("the command of --exec failed: {status}"),
            Ok(End::TakenTooLong) => format!(
                "the command of --exec was ended: it took longer than {:?}",
                self.max_run_time
            ),
            Err(error) => format!("cannot run the command of --exec: {error}"),
        };
        // Standard error may have no reader, and signals must be heard.
        block_in_place(|| complain(complaint));
    }

    async fn attempt(&self, now: &Observation, previous_status: Option<u8>) -> io::Result<End> {
        // Standard output is for the rounds.
        let output = stderr().as_fd().try_clone_to_owned()?;
        // A group, so that what it has started ends with it, and Ctrl-C on a terminal reaches us alone.
        let mut child = process::Command::new("sh")
            .arg("-c")
            .arg(&self.text)
            .envs(self.environment(now, previous_status))
            .stdin(Stdio::null())
            .stdout(output)
            .process_group(0)
            .spawn()?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let mut group = ProcessGroup(id);
        if let Ok(status) = timeout(self.max_run_time, child.wait()).await {
            // The id may be another group's from now on.
            group.0 = None;
            return status.map(End::Exited);
        }
        group.send(Signal::TERM);
        // What it has started may go on without it: the group is killed in any case.
        let _ended = timeout(TERM_TIMEOUT, child.wait()).await;
        Ok(End::TakenTooLong)
    }

    /// The result of a round. Nothing in it was worded by a checker: numbers, ports and addresses.
    fn environment(
        &self,
        now: &Observation,
        previous_status: Option<u8>,
    ) -> [(&'static str, String); 6] {
        let PortsByState { reachable, unreachable, no_verdict } = now.sort(&self.ports);
        let addresses: Vec<_> = now.addresses.iter().map(|(_, ip)| ip.to_string()).collect();
        [
            ("PORT_CHECKER_STATUS", now.status.to_string()),
            (
                "PORT_CHECKER_PREVIOUS_STATUS",
                previous_status.map_or(String::new(), |it| it.to_string()),
            ),
            ("PORT_CHECKER_REACHABLE", reachable.to_string()),
            ("PORT_CHECKER_UNREACHABLE", unreachable.to_string()),
            ("PORT_CHECKER_NO_VERDICT", no_verdict.to_string()),
            ("PORT_CHECKER_IP", addresses.join(",")),
        ]
    }
}

impl ProcessGroup {
    fn send(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // It may have ended meanwhile.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.send(Signal::KILL);
    }
}
