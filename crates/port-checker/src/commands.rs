//! `port-checker verify` and `port-checker check`: ask, wait, report.

use std::{
    convert::Infallible,
    future::pending,
    process::{ExitCode, exit},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use port_checker_client::{
    Agent, CheckerBuilder, Diagnosis, Event, InvalidPlan, Outcome, Plan, Verification,
    router::PortMapper,
};
use port_checker_server::OpenFiles;
use tokio::{
    runtime, select,
    signal::unix::{SignalKind, signal},
};

use crate::{
    args::{AskingArgs, CheckArgs, VerifyArgs},
    exit_status::{INTERRUPTED, NO_VERDICT, NOT_ACCESSIBLE, TERMINATED, UNUSABLE},
    local_checker,
    output::{complain, print},
    progress::{self, ProgressLine},
    report,
};

/// How long a busy checker is waited for in all: a large verification is asked in parts and exceeds the
/// limits of a checker on the way. With default limits 1024 ports, the most of one request, are given
/// back in 205 seconds. Each port judged meanwhile extends it.
const MAX_WAIT: Duration = Duration::from_secs(240);

/// The shortest pause between two tries of `--wait`.
const MIN_PAUSE: Duration = Duration::from_secs(5);

/// The part of the pause for each port, so that a checker with default limits (300 probes a minute of an
/// address by itself) can be asked for hours.
const PAUSE_PER_PORT: Duration = Duration::from_millis(200);

/// The part of the descriptors that a checker in this process gets.
const CHECKERS_PART: u64 = 4;

/// Verifies ports of this machine.
pub(crate) fn verify(args: VerifyArgs) -> anyhow::Result<ExitCode> {
    let files = OpenFiles::raise().context("cannot raise the open-file limit")?;
    let mut plan = Plan { addresses: args.addresses, ..Plan::of_ports(args.ports.iter()) };
    plan.families = args.family.map(Into::into).unwrap_or_default();
    plan.ask_router = !args.no_router;
    plan.mapper = args.map.then(|| Arc::new(PortMapper::new(args.keep)));
    block_on(async move {
        let mut servers = args.servers;
        if servers.is_empty() {
            let files = OpenFiles::of(files.limit() / CHECKERS_PART);
            servers = vec![local_checker::start(files, &plan).await?];
            plan.addresses = local_checker::addresses(&plan);
        }
        let agent = agent(servers, &args.asking);
        run(plan, &args.asking, args.local, |plan| agent.verify(plan)).await
    })
}

/// Has ports of any machine checked.
pub(crate) fn check(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let agent = agent(args.servers, &args.asking);
    let plan = Plan::of_ports(args.ports.iter());
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

/// Asks, once or until every port is reachable, and reports. Ctrl-C and SIGTERM drop the verification, and
/// with it every listener. Mappings at the router are ended in any case.
async fn run(
    plan: Plan,
    asking: &AskingArgs,
    local_suffices: bool,
    begin: impl Fn(Plan) -> Result<Verification, InvalidPlan>,
) -> anyhow::Result<ExitCode> {
    let mut interrupts =
        signal(SignalKind::interrupt()).context("cannot wait for the interrupt signal")?;
    let mut terminations =
        signal(SignalKind::terminate()).context("cannot wait for the termination signal")?;
    let plan = Plan { quorum: asking.quorum, ..plan };
    let mut latest = None;
    let asked = select! {
        asked = ask(&plan, asking.wait, begin, &mut latest) => Ok(asked),
        _ = interrupts.recv() => Err(INTERRUPTED),
        _ = terminations.recv() => Err(TERMINATED),
        never = keep_alive(plan.mapper.as_deref()) => match never {},
    };
    // A second signal ends the process even if nobody reads the report, or the router is slow.
    tokio::spawn(async move {
        select! {
            _ = interrupts.recv() => exit(INTERRUPTED.into()),
            _ = terminations.recv() => exit(TERMINATED.into()),
        }
    });
    if let Ok(Err(unusable)) = asked {
        complain(unusable);
        return Ok(ExitCode::from(UNUSABLE));
    }
    end_mappings(plan.mapper.as_deref(), latest.as_mut()).await;
    if let Some(diagnosis) = &latest {
        show(diagnosis, asking.json)?;
    }
    Ok(match (asked, latest.map(|diagnosis| diagnosis.outcome)) {
        (Ok(_), Some(Outcome::Accessible)) => ExitCode::SUCCESS,
        (Ok(_), Some(Outcome::LocalOnly)) if local_suffices => ExitCode::SUCCESS,
        (Ok(_), Some(Outcome::NotAccessible)) => ExitCode::from(NOT_ACCESSIBLE),
        (Ok(_), _) => ExitCode::from(NO_VERDICT),
        (Err(signalled), _) => ExitCode::from(signalled),
    })
}

/// Keeps the latest diagnosis in `latest`.
async fn ask(
    plan: &Plan,
    wait: bool,
    begin: impl Fn(Plan) -> Result<Verification, InvalidPlan>,
    latest: &mut Option<Diagnosis>,
) -> Result<(), InvalidPlan> {
    let ports = u32::try_from(plan.ports.len()).expect("there are no more than 65,535 ports");
    loop {
        let diagnosis = follow(begin(plan.clone())?, latest).await;
        let done = matches!(diagnosis.outcome, Outcome::Accessible | Outcome::LocalOnly) || !wait;
        *latest = Some(diagnosis);
        if done {
            return Ok(());
        }
        progress::pause(MIN_PAUSE.max(PAUSE_PER_PORT * ports)).await;
    }
}

async fn follow(mut verification: Verification, latest: &mut Option<Diagnosis>) -> Diagnosis {
    let mut progress = ProgressLine::begin();
    loop {
        match verification.next().await.expect("the diagnosis comes before the end") {
            Event::Checked(diagnosis) => *latest = Some(*diagnosis),
            Event::Finished(diagnosis) => return *diagnosis,
            event => progress.note(&event),
        }
    }
}

/// Renews the mappings at the router, for as long as it is awaited.
async fn keep_alive(mapper: Option<&PortMapper>) -> Infallible {
    match mapper {
        Some(mapper) => mapper.keep_alive().await,
        None => pending().await,
    }
}

/// Removes the mappings at the router, or leaves them for as long as was asked for.
async fn end_mappings(mapper: Option<&PortMapper>, latest: Option<&mut Diagnosis>) {
    if let (Some(mapper), Some(diagnosis)) = (mapper, latest) {
        diagnosis.mappings = mapper.close().await;
    }
}

fn show(diagnosis: &Diagnosis, json: bool) -> anyhow::Result<()> {
    if json {
        let document = serde_json::to_string_pretty(diagnosis).context("cannot write JSON")?;
        return print(&(document + "\n"));
    }
    report::print(diagnosis)
}
