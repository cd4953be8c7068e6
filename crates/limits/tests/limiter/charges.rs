//! Who is charged, and how much.

use port_checker_limits::QuotaOfScope;

use super::*;

#[tokio::test]
async fn the_quota_names_each_limit_with_its_rest_and_its_size() {
    let limiter = in_memory(&STRICT);
    let (quota, _) = limiter.charge((OWNER, OWNER), 4, Mode::Charge).await.unwrap();
    let expected = [(Scope::Caller, 6, 240, 10, 600), (Scope::TargetItself, 2, 480, 6, 720)];
    let expected = expected.map(|(scope, remaining, reset, burst, window)| {
        let [reset, window] = [reset, window].map(Duration::from_secs);
        QuotaOfScope { scope, remaining, reset, burst, window }
    });
    assert_eq!(quota.0, expected, "nothing has passed since the charge");
}

#[tokio::test]
async fn a_refused_request_charges_neither_caller_nor_target() {
    let limiter = in_memory(&STRICT);
    assert!(!admits(&limiter, OWNER, OWNER, 7).await, "seven are more than the target's six");
    let expected = [(Scope::Caller, 10), (Scope::TargetItself, 6)];
    assert_eq!(left(&limiter, OWNER, OWNER).await, expected);
}

#[tokio::test]
async fn third_parties_and_the_owner_spend_different_halves() {
    let limiter = in_memory(&STRICT);
    assert!(admits(&limiter, STRANGER, OWNER, 2).await);
    let expected = [(Scope::Caller, 4), (Scope::ThirdParties, 4)];
    assert_eq!(left(&limiter, STRANGER, OWNER).await, expected, "three times two");
    let expected = [(Scope::Caller, 10), (Scope::TargetItself, 6)];
    assert_eq!(left(&limiter, OWNER, OWNER).await, expected);
}

#[tokio::test]
async fn a_third_party_is_never_cheaper_than_the_owner() {
    let limiter = in_memory(&Limits { third_party_cost: 0, ..STRICT });
    assert!(admits(&limiter, STRANGER, OWNER, 2).await);
    assert_eq!(left(&limiter, STRANGER, OWNER).await[0], (Scope::Caller, 8));
    assert!(!admits(&limiter, STRANGER, OWNER, 9).await, "refused in words");
}

#[tokio::test]
async fn a_dry_run_answers_like_a_charge_and_costs_nothing() {
    let limiter = in_memory(&STRICT);
    for _ in 0..2 {
        let (quota, _) = limiter.charge((OWNER, OWNER), 6, Mode::DryRun).await.unwrap();
        assert_eq!(quota.0[0].remaining, 4, "as a charge would leave it");
        assert!(limiter.charge((OWNER, OWNER), 7, Mode::DryRun).await.is_err());
    }
    assert!(admits(&limiter, OWNER, OWNER, 6).await);
}

#[tokio::test]
async fn a_look_up_costs_its_caller_one_probe() {
    let limiter = in_memory(&STRICT);
    limiter.charge_look_up(OWNER, Mode::DryRun).await.unwrap();
    for remaining in (0..10).rev() {
        let quota = limiter.charge_look_up(OWNER, Mode::Charge).await.unwrap();
        let left: Vec<_> = quota.0.iter().map(|quota| (quota.scope, quota.remaining)).collect();
        assert_eq!(left, [(Scope::Caller, remaining)]);
    }
    let refused = limiter.charge_look_up(OWNER, Mode::Charge).await.unwrap_err();
    assert_eq!(seconds(&refused), Some(60));
}

#[tokio::test]
async fn without_limits_everything_is_admitted_and_no_quota_is_named() {
    let off = Allowance { per_minute: 0, burst: 1 };
    let limiter = in_memory(&Limits { caller: off, target: off, third_party_cost: 5 });
    let (quota, _) = limiter.charge((STRANGER, OWNER), 65_535, Mode::Charge).await.unwrap();
    assert_eq!(quota.0, []);
    assert_eq!(limiter.charge_look_up(STRANGER, Mode::Charge).await.unwrap().0, []);
}

#[tokio::test]
async fn an_allowance_comes_back_with_time() {
    let caller = Allowance { per_minute: 60_000, burst: 100 };
    let limiter = in_memory(&Limits { caller, target: allowance(4096), third_party_cost: 1 });
    assert!(admits(&limiter, OWNER, OWNER, 100).await);
    let again = async {
        while !admits(&limiter, OWNER, OWNER, 100).await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again).await.expect("100 probes take 100 ms");
}
