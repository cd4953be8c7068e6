//! The wait for connections that checkers report and listeners have not seen yet.

use std::{collections::HashMap, time::Duration};

use port_checker_api::TransportPort;
use tokio::time::{interval, timeout};

use super::{open_ports::OpenPorts, port_query::Verdicts};
use crate::facts::Arrivals;

/// How long to wait for a connection that a checker reports and our listener has not seen yet: the
/// report can overtake it by a moment.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(1);

/// The same for a checker that reported one which never came: it may go on to do so in every batch.
const CONTRADICTED_ARRIVAL_TIMEOUT: Duration = Duration::from_millis(100);

/// How often to look whether it has come.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Waits until every port that a checker got through to has seen a connection: longer for checkers that have not
/// been contradicted yet.
pub(super) async fn arrivals_or_timeout(
    listeners: &OpenPorts,
    answers: &[Option<Verdicts>],
    is_contradicted: impl Fn(&usize) -> bool,
) {
    let trusted = |index: &usize| !is_contradicted(index);
    let _ = timeout(ARRIVAL_TIMEOUT, all_arrived(listeners, answers, trusted)).await;
    let all = all_arrived(listeners, answers, |_| true);
    let _ = timeout(CONTRADICTED_ARRIVAL_TIMEOUT, all).await;
}

/// Waits until every port that one of these checkers got through to has arrivals a connection.
async fn all_arrived(
    listeners: &OpenPorts,
    answers: &[Option<Verdicts>],
    of: impl Fn(&usize) -> bool,
) {
    let mut looks = interval(POLL_INTERVAL);
    loop {
        looks.tick().await;
        let arrivals = listeners.arrivals();
        let answers = answers.iter().enumerate().filter(|(index, _)| of(index));
        if answers.filter_map(|(_, answer)| answer.as_ref()).all(|it| has_arrived(it, &arrivals)) {
            return;
        }
    }
}

/// Whether every port that a checker got through to has arrivals a connection, if we listen on it.
pub(super) fn has_arrived(
    verdicts: &Verdicts,
    arrivals: &HashMap<TransportPort, Arrivals>,
) -> bool {
    let came = |port| arrivals.get(port).is_none_or(|arrivals| arrivals.connections > 0);
    verdicts.results.iter().all(|(port, result)| !result.accessible || came(port))
}
