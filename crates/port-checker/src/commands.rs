//! `port-checker verify` and `port-checker check`: ask, wait, report.

use std::{
    process::{ExitCode, exit},
    time::Duration,
};

use anyhow::Context;
use humantime::format_duration;
use port_checker_client::{
    Agent, CheckerBuilder, Diagnosis, InvalidPlan, Outcome, Plan, Verification,
};
use port_checker_server::OpenFiles;
use tokio::{
    runtime, select,
    signal::unix::{SignalKind, signal},
};

use crate::{
    args::{AskingArgs, CheckArgs, VerifyArgs},
    exit_status::{INTERRUPTED, NO_VERDICT, UNUSABLE, of_outcome},
    local_checker,
    monitor::{self, Monitor},
    output::{complain, print},
    pace::{min_interval, pause_between_tries},
    progress, report,
};

/// How long a busy checker is waited for in all: a large verification is asked in parts and exceeds the
/// limits of a checker on the way. With default limits 1024 ports, the most of one request, are given
/// back in 205 seconds. Each port judged meanwhile extends it.
const MAX_WAIT: Duration = Duration::from_secs(240);

/// The part of the descriptors that a checker in this process gets.
const CHECKERS_PART: u64 = 4;

/// Verifies ports of this machine.
pub(crate) fn verify(args: VerifyArgs) -> anyhow::Result<ExitCode> {
    let files = OpenFiles::raise().context("cannot raise the open-file limit")?;
    let mut plan = Plan { addresses: args.addresses, ..Plan::of_ports(args.ports.iter()) };
    plan.families = args.family.map(Into::into).unwrap_or_default();
    plan.ask_router = !args.no_router;
    plan.quorum = args.asking.quorum;
    let local = args.local || args.servers.iter().all(CheckerBuilder::is_local);
    let least = min_interval(plan.ports.len(), local);
    if let Some(interval) = args.repeat.every.filter(|interval| *interval < least) {
        complain(too_often(interval, least, plan.ports.len()));
        return Ok(ExitCode::from(UNUSABLE));
    }
    block_on(async move {
        let mut servers = args.servers;
        if servers.is_empty() {
            let files = OpenFiles::of(files.limit() / CHECKERS_PART);
            servers = vec![local_checker::start(files, &plan).await?];
            plan.addresses = local_checker::addresses(&plan);
        }
        let agent = agent(servers, &args.asking);
        let Some(interval) = args.repeat.every else {
            return run(plan, &args.asking, args.local, |plan| agent.verify(plan)).await;
        };
        let monitor = Monitor {
            ports: plan.ports.clone(),
            interval,
            local_suffices: args.local,
            json: args.asking.json,
            command: args.repeat.exec,
            textfile: args.repeat.textfile,
        };
        monitor::run(monitor, move || agent.verify(plan.clone())).await
    })
}

fn too_often(interval: Duration, least: Duration, ports: usize) -> String {
    let noun = if ports == 1 { "port" } else { "ports" };
    format!(
        "--every {}: too often for a checker outside the local network, which others ask too; with {ports} \
         {noun} expected {} or more",
        format_duration(interval),
        format_duration(least)
    )
}

/// Has ports of any machine checked.
pub(crate) fn check(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let agent = agent(args.servers, &args.asking);
    let plan = Plan { quorum: args.asking.quorum, ..Plan::of_ports(args.ports.iter()) };
    block_on(run(plan, &args.asking, false, |plan| agent.check(args.ip, plan)))
}

fn block_on(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    let done = runtime.block_on(work);
    // A look-up of a name that is still under way is abandoned.
    runtime.shutdown_background();
    done
}

fn agent(servers: Vec<CheckerBuilder>, asking: &AskingArgs) -> Agent {
    Agent::new(servers.into_iter().map(|checker| {
        let checker = checker.timeout(asking.timeout).max_wait(MAX_WAIT);
        match &asking.roots {
            Some(roots) => checker.trusting(roots).build(),
            None => checker.build(),
        }
    }))
}

/// Asks, once or until every port is reachable, and reports. Ctrl-C drops the verification, and with it
/// every listener.
async fn run(
    plan: Plan,
    asking: &AskingArgs,
    local_suffices: bool,
    begin: impl Fn(Plan) -> Result<Verification, InvalidPlan>,
) -> anyhow::Result<ExitCode> {
    let mut interrupts =
        signal(SignalKind::interrupt()).context("cannot wait for the interrupt signal")?;
    let mut latest = None;
    let asked = select! {
        asked = ask(&plan, asking.wait, begin, &mut latest) => Some(asked),
        _ = interrupts.recv() => None,
    };
    // A second Ctrl-C ends the process even if nobody reads the report.
    tokio::spawn(async move {
        interrupts.recv().await;
        exit(INTERRUPTED.into());
    });
    if let Some(Err(unusable)) = asked {
        complain(unusable);
        return Ok(ExitCode::from(UNUSABLE));
    }
    if let Some(diagnosis) = &latest {
        show(diagnosis, asking.json)?;
    }
    Ok(ExitCode::from(match (asked, latest) {
        (None, _) => INTERRUPTED,
        (Some(_), None) => NO_VERDICT,
        (Some(_), Some(diagnosis)) => of_outcome(diagnosis.outcome, local_suffices),
    }))
}

/// Keeps the latest diagnosis in `latest`.
async fn ask(
    plan: &Plan,
    wait: bool,
    begin: impl Fn(Plan) -> Result<Verification, InvalidPlan>,
    latest: &mut Option<Diagnosis>,
) -> Result<(), InvalidPlan> {
    let pause = pause_between_tries(plan.ports.len());
    loop {
        let diagnosis = progress::follow(begin(plan.clone())?).await;
        let done = matches!(diagnosis.outcome, Outcome::Accessible | Outcome::LocalOnly) || !wait;
        *latest = Some(diagnosis);
        if done {
            return Ok(());
        }
        let message = format!("not all reachable; trying again in {pause:?} (Ctrl-C ends this)");
        progress::pause(pause, message).await;
    }
}

fn show(diagnosis: &Diagnosis, json: bool) -> anyhow::Result<()> {
    if json {
        let document = serde_json::to_string_pretty(diagnosis).context("cannot write JSON")?;
        return print(&(document + "\n"));
    }
    report::print(diagnosis)
}
