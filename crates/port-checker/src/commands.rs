//! `port-checker verify` and `port-checker check`: ask, wait, report.

use std::{
    cell::Cell,
    convert::Infallible,
    future::pending,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use humantime::format_duration;
use port_checker_client::{
    Agent, CheckerBuilder, Diagnosis, InvalidPlan, Notice, Outcome, Plan, Verification,
    router::PortMapper,
};
use port_checker_server::OpenFiles;
use tokio::{runtime, select};

use crate::{
    args::{AskingArgs, CheckArgs, VerifyArgs},
    end_signals::EndSignals,
    exit_status::{UNUSABLE, of_outcome},
    kept_statements, local_checker,
    monitor::{self, Monitor},
    output::{complain, print},
    pace::{min_interval, pause_between_tries},
    progress::ProgressLine,
    report,
    wait_board::{WaitBoard, closed_lines},
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
    plan.mapper = args.map.then(|| Arc::new(PortMapper::new(args.keep)));
    plan.quorum = args.asking.quorum;
    plan.attest = args.attest.request();
    plan.challenge = args.attest.challenge;
    let local = args.local || args.servers.iter().all(CheckerBuilder::is_local);
    let least = min_interval(plan.ports.len(), local);
    if let Some(interval) = args.repeat.every.filter(|interval| *interval < least) {
        complain(too_often(interval, least, plan.ports.len()));
        return Ok(ExitCode::from(UNUSABLE));
    }
    block_on(async move {
        let signals = EndSignals::listen()?;
        let mut servers = args.servers;
        if servers.is_empty() {
            servers = local_checker::start(files.limit() / CHECKERS_PART, &plan).await?;
            plan.addresses = local_checker::addresses(&plan);
        }
        let agent = agent(servers, &args.asking);
        let Some(interval) = args.repeat.every else {
            let report = ReportArgs {
                local_suffices: args.local,
                statements: args.attest.file.as_deref(),
                asking: &args.asking,
            };
            return run(plan, report, signals, |plan| agent.verify(plan)).await;
        };
        let monitor = Monitor {
            ports: plan.ports.clone(),
            interval,
            local_suffices: args.local,
            json: args.asking.json,
            command: args.repeat.exec,
            textfile: args.repeat.textfile,
        };
        Ok(monitor::run(monitor, signals, move || agent.verify(plan.clone())).await)
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
    block_on(async move {
        let signals = EndSignals::listen()?;
        let report = ReportArgs { local_suffices: false, statements: None, asking: &args.asking };
        run(plan, report, signals, |plan| agent.check(args.ip, plan)).await
    })
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

/// How a run is reported.
#[derive(Clone, Copy)]
struct ReportArgs<'a> {
    /// Whether nobody outside need have been asked.
    local_suffices: bool,
    /// The file in which signed statements are kept.
    statements: Option<&'a Path>,
    asking: &'a AskingArgs,
}

/// Asks, once or until every port is reachable, and reports what is known by the end, be it by Ctrl-C or SIGTERM.
/// Mappings at the router are ended in any case.
async fn run(
    plan: Plan,
    report: ReportArgs<'_>,
    signals: EndSignals,
    begin: impl Fn(Plan) -> Result<Verification, InvalidPlan>,
) -> anyhow::Result<ExitCode> {
    let mapper = plan.mapper.clone();
    let asked = select! {
        asked = ask(&plan, report.asking.wait, begin, signals) => asked,
        never = keep_alive(mapper.as_deref()) => match never {},
    };
    let (mut diagnosis, signalled) = match asked {
        Ok(found) => found,
        Err(unusable) => {
            complain(unusable);
            return Ok(ExitCode::from(UNUSABLE));
        }
    };
    if let Some(mapper) = mapper {
        diagnosis.mappings = mapper.close().await;
    }
    show(&diagnosis, report.asking.json)?;
    let kept = report.statements.map(|path| kept_statements::keep(&diagnosis, path)).transpose();
    match kept {
        Ok(sentence) if !report.asking.json => {
            print(&sentence.map(|it| it + "\n").unwrap_or_default())?
        }
        Ok(_) => {}
        Err(complaint) => {
            complain(complaint);
            return Ok(ExitCode::from(signalled.unwrap_or(UNUSABLE)));
        }
    }
    let status = || of_outcome(diagnosis.outcome, report.local_suffices);
    Ok(ExitCode::from(signalled.unwrap_or_else(status)))
}

/// The last diagnosis, and the exit status of the signal that ended the tries, if one did. The first try then tells
/// what it knows; a later one is dropped, and with it every listener.
async fn ask(
    plan: &Plan,
    wait: bool,
    begin: impl Fn(Plan) -> Result<Verification, InvalidPlan>,
    mut signals: EndSignals,
) -> Result<(Diagnosis, Option<u8>), InvalidPlan> {
    let pause = pause_between_tries(plan.ports.len());
    let (began, progress) = (Instant::now(), ProgressLine::begin());
    let first = begin(plan.clone())?;
    let (mut diagnosis, mut signalled) = progress.follow_or_stop(first, signals.received()).await;
    let mut board = WaitBoard::of(began, &diagnosis);
    while wait && signalled.is_none() && !is_success(&diagnosis) {
        let is_trying = Cell::new(false);
        let next = async {
            let closed = closed_lines(&diagnosis, began.elapsed());
            progress.pause(pause, "trying again", closed).await;
            is_trying.set(true);
            Ok(progress.follow(begin(plan.clone())?).await)
        };
        select! {
            next = next => diagnosis = next?,
            status = signals.received() => {
                signalled = Some(status);
                diagnosis.notices.extend(is_trying.get().then_some(Notice::EarlierTry));
            }
        }
        board.note(&diagnosis).iter().for_each(|opening| progress.announce(opening));
    }
    Ok((diagnosis, signalled))
}

const fn is_success(diagnosis: &Diagnosis) -> bool {
    matches!(diagnosis.outcome, Outcome::Accessible | Outcome::LocalOnly)
}

/// Renews the mappings at the router, for as long as it is awaited.
async fn keep_alive(mapper: Option<&PortMapper>) -> Infallible {
    match mapper {
        Some(mapper) => mapper.keep_alive().await,
        None => pending().await,
    }
}

fn show(diagnosis: &Diagnosis, json: bool) -> anyhow::Result<()> {
    if json {
        let document = serde_json::to_string_pretty(diagnosis).context("cannot write JSON")?;
        return print(&(document + "\n"));
    }
    report::print(diagnosis)
}
