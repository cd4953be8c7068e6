//! Who may write how much.

use std::net::Ipv4Addr;

use super::*;

fn caller(number: u32) -> Subject {
    Subject::of(Ipv4Addr::from(number).into())
}

fn state(now: Instant) -> State {
    State { all: Budgets::whole(now), callers: HashMap::new(), withheld: 0, swept: now }
}

/// How many of `lines` are written.
fn written(state: &mut State, caller: Subject, kind: Kind, lines: u32, now: Instant) -> u32 {
    (0..lines).map(|_| u32::from(state.admits(caller, kind, now))).sum()
}

#[test]
fn a_caller_has_lines_at_once_and_then_one_a_second() {
    let began = Instant::now();
    let state = &mut state(began);
    let after = |seconds| began + Duration::from_secs(seconds);
    assert_eq!(written(state, caller(1), Kind::Other, 1000, began), 50);
    assert_eq!(written(state, caller(1), Kind::Other, 1000, after(1)), 1);
    assert_eq!(written(state, caller(1), Kind::Other, 1000, after(5)), 4);
    assert_eq!(written(state, caller(2), Kind::Other, 1, after(5)), 1, "another caller");
    assert_eq!(written(state, caller(1), Kind::Check, 3000, after(5)), 2048, "checks");
    let lost = 950 + 999 + 996 + 952;
    assert_eq!(state.report().named, [(caller(1).address(), lost)]);
    assert_eq!(state.report(), Report { named: vec![], others: 0 }, "told once");
    assert_eq!(written(state, caller(1), Kind::Other, 1000, after(1000)), 50, "whole again");
}

#[test]
fn all_callers_together_have_a_budget_too() {
    let began = Instant::now();
    let state = &mut state(began);
    let lines: u32 = (0..1000).map(|one| written(state, caller(one), Kind::Other, 50, began)).sum();
    assert_eq!(lines, 500);
    assert_eq!(written(state, caller(2000), Kind::Check, 1, began), 1, "of another kind");
    let Report { named, others } = state.report();
    assert_eq!((named.len(), others), (10, 49_500 - 10 * 50), "ten are named");
}

#[test]
fn more_callers_than_are_remembered() {
    let began = Instant::now();
    let state = &mut state(began);
    let all = u32::try_from(MAX_CALLERS).unwrap();
    for one in 0..all {
        state.admits(caller(one), Kind::Other, began);
    }
    assert_eq!(written(state, caller(all), Kind::Check, 3, began), 3, "the budget of all");
    assert_eq!(written(state, caller(all), Kind::Other, 7, began), 0, "which is used up");
    assert_eq!(state.callers.len(), MAX_CALLERS);
    let report = state.report();
    assert_eq!(report.others + 10, u64::from(all) - 500 + 7, "each is counted");
    let later = began + Duration::from_secs(60);
    assert!(state.admits(caller(all), Kind::Other, later));
    assert_eq!(state.callers.len(), 1, "those with whole budgets are forgotten");
}
