//! Thousands of random checks over a simulated network, each held against a model of the contract.

use std::{sync::Arc, time::Duration};

use port_checker_api::{Port, Reason};
use proptest::{collection::vec, prelude::*};
use tokio::time::Instant;

use super::{
    RECHECK, Worker,
    simulation::{Fate, Record, Simulated},
};
use crate::{Budget, Finding, Policy, ProbeSettings, Verdict, port_queue::PortQueue};

const MAX_PORTS: usize = 40;
const MAX_ATTEMPTS: usize = 4;

/// How much later than due anything may happen: a few readings of the clock.
const SLACK: Duration = Duration::from_millis(2);

const DAY: Duration = Duration::from_secs(86_400);

/// A random check.
#[derive(Debug, Clone)]
struct Case {
    attempts: u32,
    delay: Duration,
    timeout: Duration,
    sockets: usize,
    /// How many of them others hold, and for how long each.
    others: Vec<Duration>,
    fates: Vec<Vec<Fate>>,
    ticks: Vec<Duration>,
}

fn millis(range: std::ops::RangeInclusive<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}

/// Never so near to a time-out that either may come first.
fn answer_time() -> impl Strategy<Value = Duration> {
    millis(0..=300).prop_map(|time| time * 10 + Duration::from_millis(5))
}

fn fate() -> impl Strategy<Value = Fate> {
    let reason = prop_oneof![
        Just(Reason::Refused),
        Just(Reason::HostUnreachable),
        Just(Reason::ChallengeFailed),
    ];
    let verdict = prop_oneof![
        3 => Just(Verdict::Open),
        1 => Just(Verdict::NotOpen(Reason::Reset)),
    ];
    prop_oneof![
        4 => Just(Fate::Lost),
        3 => (answer_time(), reason).prop_map(|(after, reason)| Fate::Answer(after, reason)),
        2 => (answer_time(), millis(0..=500), verdict)
            .prop_map(|(after, hold, verdict)| Fate::Established(after, hold, verdict)),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let settings = (
        1..=MAX_ATTEMPTS as u32,
        prop_oneof![Just(Duration::ZERO), millis(1..=1500)],
        millis(20..=500).prop_map(|time| time * 10),
        1..=3 * MAX_PORTS,
    );
    let fates = vec(vec(fate(), MAX_ATTEMPTS), 1..=MAX_PORTS);
    let ticks = vec((0..=60_u64).prop_map(Duration::from_micros), 7);
    (settings, fates, vec(millis(0..=20_000), 0..=MAX_PORTS), ticks).prop_map(
        |((attempts, delay, timeout, sockets), fates, others, ticks)| Case {
            attempts,
            delay,
            timeout,
            sockets,
            others,
            fates,
            ticks,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn every_port_gets_the_verdict_of_the_contract_when_it_is_due(case in case()) {
        let run = Run::of(&case);
        prop_assert_eq!(run.judged.len(), case.fates.len(), "every port is judged once");
        run.first_attempts_go_first();
        run.no_more_sockets_than_allowed();
        for (at, finding) in &run.judged {
            run.is_right(finding, *at);
        }
    }
}

/// A check that came to its end.
struct Run<'a> {
    case: &'a Case,
    record: Record,
    judged: Vec<(Instant, Finding)>,
    /// Until when others hold a socket each.
    others: Vec<Instant>,
}

impl<'a> Run<'a> {
    fn of(case: &'a Case) -> Self {
        let Case { attempts, delay, timeout, .. } = *case;
        let attempts = attempts.try_into().expect("not 0");
        let settings = ProbeSettings { attempts, delay, timeout, settle: Duration::ZERO };
        let (budget, us, them) = (Budget::new(case.sockets), [127, 0, 0, 1], [127, 0, 0, 2]);
        let mut network = Simulated::new(case.fates.clone(), timeout, case.ticks.clone());
        let other = budget.admit_now(them.into(), 0).expect("no port needs no socket");
        let held = case
            .others
            .iter()
            .map_while(|&after| Some((network.clock + after, other.slot.try_further()?)));
        network.others = held.collect();
        let others = network.others.iter().map(|(until, _)| *until).collect();
        let record = Arc::clone(&network.record);
        let policy = Policy { allow_local: true, ..Policy::default() };
        let ports = (1..=case.fates.len()).map(|port| Port::new(port as u16).expect("not 0"));
        let target = policy.vet(us.into(), us.into(), ports.collect()).expect("it is admitted");
        let admission = budget.admit_now(us.into(), 0).expect("no port needs no socket");
        let ports = PortQueue::new(Arc::new(target), settings, admission.slot);
        let deadline = network.clock + DAY;
        let mut worker = Worker::new(ports, network, None, deadline);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let judged = runtime.block_on(async {
            let mut judged = Vec::new();
            loop {
                let found = worker.next().await.expect("no fault is simulated, and a day is long");
                if found.is_empty() {
                    return judged;
                }
                judged.extend(found.into_iter().map(|found| (worker.transport.clock, found)));
            }
        });
        drop(worker);
        let record = std::mem::take(&mut *record.lock().unwrap());
        Self { case, record, judged, others }
    }

    fn first_attempts_go_first(&self) {
        let mut seen = vec![0; self.case.fates.len()];
        for &index in &self.record.order {
            assert!(seen[index] == 0 || !seen.contains(&0), "further attempts wait: {index}");
            seen[index] += 1;
        }
    }

    fn no_more_sockets_than_allowed(&self) {
        let most = self.record.under_way.iter().map(|(_, count)| *count).max().unwrap_or(0);
        assert!(most <= self.case.sockets, "{most} of {}", self.case.sockets);
        assert_eq!(self.record.under_way.last().map(|last| last.1), Some(0), "none is left");
    }

    /// Holds one finding, made at `at`, against the model.
    fn is_right(&self, finding: &Finding, at: Instant) {
        let begins = &self.record.begins[&finding.index];
        let ends: Vec<End> = (begins.iter().zip(&self.case.fates[finding.index]))
            .map(|(&began, &fate)| End::of(began, fate, self.case.timeout))
            .collect();
        let success =
            ends.iter().filter(|end| end.verdict == Verdict::Open).map(|end| end.at).min();
        let (expected, when) = match success {
            Some(when) => (Verdict::Open, when),
            None => {
                assert_eq!(begins.len(), self.case.attempts as usize, "{finding:?}");
                let answer = ends.iter().rev().find(|end| end.verdict != SILENT);
                let when = ends.iter().map(|end| end.at).max().expect("there was an attempt");
                (answer.map_or(SILENT, |end| end.verdict), when)
            }
        };
        assert_eq!(finding.verdict, expected, "{finding:?} {ends:?}");
        assert_eq!(finding.attempts as usize, begins.len(), "{finding:?}");
        assert!(at >= when && at <= when + SLACK, "{:?} late: {ends:?}", at - when);
        for (attempt, &began) in begins.iter().enumerate().skip(1) {
            self.is_begun_when_due(&ends[attempt - 1], began);
        }
    }

    /// Whether an attempt was begun when it was due, or as soon after as there was a socket.
    fn is_begun_when_due(&self, before: &End, began: Instant) {
        let silent = before.began + self.case.delay;
        let answered = before.at + self.case.delay;
        // An answer that arrives when the next attempt is due may come too late.
        let earliest = match before.answered {
            Some(at) if at + SLACK < silent => answered,
            _ => silent,
        };
        // A connection that is established while the next attempt lacks a socket postpones it.
        let due = match before.answered {
            Some(at) if at < silent + SLACK || (at < began && at < before.at) => answered,
            _ => silent,
        };
        assert!(began >= earliest, "too early: {before:?}");
        if began > due + SLACK {
            self.lacked_sockets(due + SLACK, began);
        }
    }

    /// Whether at no time in between a socket was free for longer than the worker takes to notice.
    fn lacked_sockets(&self, from: Instant, until: Instant) {
        let mut since = None;
        let share = |time| {
            let others = self.others.iter().filter(|&&until| until + SLACK > time).count();
            let left = self.case.sockets - others;
            (left * 4 / 5).max(1).min(left)
        };
        let steps = self.record.under_way.windows(2);
        for (start, end, count) in steps.map(|step| (step[0].0, step[1].0, step[0].1)) {
            let (start, end) = (start.max(from), end.min(until));
            if start >= end {
                continue;
            }
            if count >= share(start) {
                since = None;
                continue;
            }
            let free_since = *since.get_or_insert(start);
            let free = end - free_since;
            assert!(free <= RECHECK + 2 * SLACK, "a socket was free for {free:?} and one was due");
        }
    }
}

const SILENT: Verdict = Verdict::NotOpen(Reason::TimedOut);

/// The model's account of one attempt.
#[derive(Debug)]
struct End {
    began: Instant,
    /// When something came back.
    answered: Option<Instant>,
    at: Instant,
    verdict: Verdict,
}

impl End {
    fn of(began: Instant, fate: Fate, timeout: Duration) -> Self {
        let (after, hold, verdict) = match fate {
            Fate::Answer(after, reason) => (after, Duration::ZERO, Verdict::NotOpen(reason)),
            Fate::Established(after, hold, verdict) => (after, hold, verdict),
            Fate::Lost => (DAY, Duration::ZERO, SILENT),
        };
        if after >= timeout {
            return Self { began, answered: None, at: began + timeout, verdict: SILENT };
        }
        let answered = Some(began + after);
        Self { began, answered, at: began + after + hold, verdict }
    }
}
