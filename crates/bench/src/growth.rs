//! How cost grows: with the ports of one request, and with callers at once.

use std::{net::SocketAddr, path::Path, time::Instant};

use port_checker_api::Port;
use port_checker_testbed::{http::check, namespace::Namespace, ports::unused};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::{
    load::{Targets, ask, body},
    plot::{Line, plot},
    service::{UNLIMITED, forget_peak, peak, resident, start},
};

/// How many times each point is measured; the median is drawn.
const TIMES: usize = 3;

const MIB: f64 = 1024.0 * 1024.0;

/// The cost of one size.
#[derive(Clone, Copy)]
struct Cost {
    milliseconds: f64,
    /// The peak above idle.
    mebibytes: f64,
}

/// Draws all plots into `directory`.
pub(crate) fn draw(directory: &Path) -> anyhow::Result<()> {
    let ports = [1_u16, 10, 100, 1_000, 10_000, 65_535];
    let closed = ports.into_iter().map(|count| (usize::from(count), of_ports(count)));
    let closed: Vec<_> = Namespace::new().within(|| closed.collect());
    let open = Targets::open(1);
    let callers = [1, 10, 100, 1_000, 10_000];
    let callers = callers.into_iter().map(|count| Ok((count, of_callers(count, &open)?)));
    let callers: Vec<_> = callers.collect::<anyhow::Result<_>>()?;
    println!("\n{:<34} {:>12} {:>12}", "", "ms", "MiB above idle");
    let series =
        [("ports of one request, closed", closed), ("callers at once, one open port", callers)];
    for ((unit, costs), name) in series.into_iter().zip(["ports", "callers"]) {
        for (count, Cost { milliseconds, mebibytes }) in &costs {
            println!("{:<34} {milliseconds:>12.2} {mebibytes:>12.2}", format!("{count} {unit}"));
        }
        let line =
            |value: fn(&Cost) -> f64| costs.iter().map(move |(n, cost)| (*n as f64, value(cost)));
        let time =
            Line { across: unit, up: "milliseconds", points: line(|c| c.milliseconds).collect() };
        let memory =
            Line { across: unit, up: "MiB above idle", points: line(|c| c.mebibytes).collect() };
        plot(&directory.join(format!("{name}-time.svg")), &time)?;
        plot(&directory.join(format!("{name}-memory.svg")), &memory)?;
    }
    Ok(())
}

fn of_ports(count: u16) -> Cost {
    let ports: Vec<u16> = match count {
        ..=1_000 => unused(usize::from(count)).into_iter().map(Port::get).collect(),
        _ => (1..=count).collect(),
    };
    let once = |server| Ok(ask(server, &body(&ports)).1.as_secs_f64() * 1e3);
    cost(&body(&ports[..1]), once).expect("nothing in it fails")
}

fn of_callers(count: usize, open: &Targets) -> anyhow::Result<Cost> {
    let body = open.body();
    cost(&body, |server| all_at_once(server, &body, count))
}

/// The middle of several, by time. `load` tells its milliseconds; each time it meets a service of its
/// own, which has answered `first`.
fn cost(first: &str, load: impl Fn(SocketAddr) -> anyhow::Result<f64>) -> anyhow::Result<Cost> {
    let measure = |_| {
        let service = start(&UNLIMITED);
        ask(service.address, first);
        let idle = resident(&service);
        forget_peak(&service);
        let milliseconds = load(service.address)?;
        Ok(Cost { milliseconds, mebibytes: above(peak(&service), idle) })
    };
    let mut costs = (0..TIMES).map(measure).collect::<anyhow::Result<Vec<_>>>()?;
    costs.sort_by(|one, other| one.milliseconds.total_cmp(&other.milliseconds));
    Ok(costs[TIMES / 2])
}

fn above(peak: f64, idle: f64) -> f64 {
    (peak - idle).max(0.0) / MIB
}

/// Has everybody connect first, then ask at once; returns how long it took until all were answered,
/// in milliseconds.
#[tokio::main]
#[expect(clippy::disallowed_methods, reason = "dials the service that this program started")]
async fn all_at_once(server: SocketAddr, body: &str, callers: usize) -> anyhow::Result<f64> {
    let mut clients = Vec::with_capacity(callers);
    for _ in 0..callers {
        clients.push(TcpStream::connect(server).await?);
    }
    let request = check(body);
    let began = Instant::now();
    let mut asking = JoinSet::new();
    for mut client in clients {
        let request = request.clone();
        asking.spawn(async move {
            client.write_all(&request).await?;
            let mut answer = String::new();
            client.read_to_string(&mut answer).await?;
            anyhow::ensure!(answer.contains(r#""accessible":true"#), "not open: {answer}");
            Ok(())
        });
    }
    while let Some(answered) = asking.join_next().await {
        answered??;
    }
    Ok(began.elapsed().as_secs_f64() * 1e3)
}
