//! `port-checker verify` and `port-checker check`: ask, wait, report.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use port_checker_client::{
    Agent, CheckerBuilder, Diagnosis, InvalidPlan, Outcome, Plan, Verification,
};
use port_checker_server::OpenFiles;
use tokio::{runtime, select};

use crate::{
    args::{AskingArgs, CheckArgs, VerifyArgs},
    ctrl_c::CtrlC,
    exit_status::{INTERRUPTED, NO_VERDICT, NOT_ACCESSIBLE, UNUSABLE},
    local_checker,
    output::{complain, print},
    progress::ProgressLine,
    report,
    wait_board::{WaitBoard, closed_lines},
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
    block_on(async move {
        let ctrl_c = CtrlC::listen()?;
        let mut servers = args.servers;
        if servers.is_empty() {
            let files = OpenFiles::of(files.limit() / CHECKERS_PART);
            servers = vec![local_checker::start(files, &plan).await?];
            plan.addresses = local_checker::addresses(&plan);
        }
        let agent = agent(servers, &args.asking);
        run(plan, &args.asking, args.local, ctrl_c, |plan| agent.verify(plan)).await
    })
}

/// Has ports of any machine checked.
pub(crate) fn check(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let agent = agent(args.servers, &args.asking);
    let plan = Plan::of_ports(args.ports.iter());
    block_on(async move {
        run(plan, &args.asking, false, CtrlC::listen()?, |plan| agent.check(args.ip, plan)).await
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

/// Asks, once or until every port is reachable, and reports what is known by the end, be it by Ctrl-C.
async fn run(
    plan: Plan,
    asking: &AskingArgs,
    local_suffices: bool,
    ctrl_c: CtrlC,
    begin: impl Fn(Plan) -> Result<Verification, InvalidPlan>,
) -> anyhow::Result<ExitCode> {
    let plan = Plan { quorum: asking.quorum, ..plan };
    let (diagnosis, interrupted) = match ask(&plan, asking.wait, begin, ctrl_c).await {
        Ok(found) => found,
        Err(unusable) => {
            complain(unusable);
            return Ok(ExitCode::from(UNUSABLE));
        }
    };
    show(&diagnosis, asking.json)?;
    Ok(match diagnosis.outcome {
        _ if interrupted => ExitCode::from(INTERRUPTED),
        Outcome::Accessible => ExitCode::SUCCESS,
        Outcome::LocalOnly if local_suffices => ExitCode::SUCCESS,
        Outcome::NotAccessible => ExitCode::from(NOT_ACCESSIBLE),
        _ => ExitCode::from(NO_VERDICT),
    })
}

/// The last diagnosis, and whether Ctrl-C ended the tries. The first try then tells what it knows; a later one
/// is dropped, and with it every listener.
async fn ask(
    plan: &Plan,
    wait: bool,
    begin: impl Fn(Plan) -> Result<Verification, InvalidPlan>,
    mut ctrl_c: CtrlC,
) -> Result<(Diagnosis, bool), InvalidPlan> {
    let (began, progress) = (Instant::now(), ProgressLine::begin());
    let first = begin(plan.clone())?;
    let (mut diagnosis, mut interrupted) = progress.follow_or_stop(first, ctrl_c.pressed()).await;
    let mut board = WaitBoard::of(began, &diagnosis);
    while wait && !interrupted && !is_success(&diagnosis) {
        let next = async {
            progress.pause(pause(plan), closed_lines(&diagnosis)).await;
            Ok(progress.follow(begin(plan.clone())?).await)
        };
        select! {
            next = next => diagnosis = next?,
            () = ctrl_c.pressed() => interrupted = true,
        }
        board.note(&diagnosis).iter().for_each(|opening| progress.announce(opening));
    }
    Ok((diagnosis, interrupted))
}

const fn is_success(diagnosis: &Diagnosis) -> bool {
    matches!(diagnosis.outcome, Outcome::Accessible | Outcome::LocalOnly)
}

/// The pause between two tries.
fn pause(plan: &Plan) -> Duration {
    let ports = u32::try_from(plan.ports.len()).expect("there are no more than 65,535 ports");
    MIN_PAUSE.max(PAUSE_PER_PORT * ports)
}

fn show(diagnosis: &Diagnosis, json: bool) -> anyhow::Result<()> {
    if json {
        let document = serde_json::to_string_pretty(diagnosis).context("cannot write JSON")?;
        return print(&(document + "\n"));
    }
    report::print(diagnosis)
}
