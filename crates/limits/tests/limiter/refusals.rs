//! The message and the time of a refusal.

use super::*;

/// The refusal of `ports` of `OWNER`, after `before` were admitted.
async fn refusal(limits: &Limits, caller: IpAddr, before: usize, ports: usize) -> Refused {
    let limiter = in_memory(limits);
    assert!(admits(&limiter, caller, OWNER, before).await, "{before} before");
    limiter.charge((caller, OWNER), ports, Mode::Charge).await.err().expect("a refusal")
}

#[tokio::test]
async fn a_refusal_names_the_limit_its_rest_and_the_time_to_come_back() {
    let roomy = Limits { target: allowance(200), ..STRICT };
    let narrow = Limits { caller: allowance(100), ..STRICT };
    let cases = [
        (
            &roomy,
            OWNER,
            8,
            4,
            120,
            "4 ports are more than the caller 192.0.2.1 may have checked now: 2 are left",
        ),
        (
            &STRICT,
            OWNER,
            4,
            3,
            120,
            "3 ports are more than the target 192.0.2.1 may have checked of itself now: 2",
        ),
        (
            &narrow,
            STRANGER,
            5,
            2,
            120,
            "2 ports are more than others may have checked of the target 192.0.2.1 now: 1",
        ),
        (
            &STRICT,
            STRANGER,
            2,
            2,
            120,
            "2 ports are more than the caller 198.51.100.7 may have checked now (each counts 3 times, \
             because the target is not the caller): 1 are left; come back after Retry-After",
        ),
    ];
    for (limits, caller, before, ports, wait, message) in cases {
        let refused = refusal(limits, caller, before, ports).await;
        assert!(refused.to_string().starts_with(message), "{refused}");
        assert_eq!(seconds(&refused), Some(wait), "{refused}");
        assert_eq!(refused.quota.0.len(), 2, "{refused}");
    }
}

/// Only after that time would the same request pass.
#[tokio::test]
async fn of_two_limits_that_refuse_the_longer_wait_counts() {
    let slow_target = Limits { target: Allowance { per_minute: 1, burst: 20 }, ..STRICT };
    let refused = refusal(&slow_target, OWNER, 10, 3).await;
    assert_eq!(seconds(&refused), Some(360), "three times two minutes");
    assert!(refused.to_string().contains("the target"), "{refused}");
    let slow_caller = Limits { target: Allowance { per_minute: 4, burst: 20 }, ..STRICT };
    let refused = refusal(&slow_caller, OWNER, 10, 3).await;
    assert_eq!(seconds(&refused), Some(180), "three times one minute");
    assert!(refused.to_string().contains("the caller"), "{refused}");
}

#[tokio::test]
async fn a_client_waits_a_second_at_least() {
    let caller = Allowance { per_minute: 60_000, burst: 65_000 };
    let limits = Limits { caller, target: allowance(200_000), third_party_cost: 1 };
    let refused = refusal(&limits, OWNER, 65_000, 500).await;
    assert_eq!(refused.retry_after, Some(Duration::from_secs(1)), "not half a second");
}

#[tokio::test]
async fn a_request_that_never_passes_is_told_so_and_no_time() {
    let small = Limits { target: allowance(1), ..STRICT };
    let most = |ports: u64| format!("so many are never admitted; ask for at most {ports} at once");
    let only_own =
        || "this checker's limits admit no check of an address other than your own".into();
    let roomy = Limits { target: allowance(100), ..STRICT };
    let dear = Limits { third_party_cost: 11, ..STRICT };
    let cases: [(&Limits, IpAddr, usize, String); 5] = [
        (&STRICT, OWNER, 7, most(6)),
        (&roomy, OWNER, 11, most(10)),
        (&STRICT, STRANGER, 4, most(3)),
        (&dear, STRANGER, 1, only_own()),
        (&small, STRANGER, 1, only_own()),
    ];
    for (limits, caller, ports, advice) in cases {
        let refused = refusal(limits, caller, 0, ports).await;
        let message = refused.to_string();
        let begin = format!("{ports} ports are more than the limits admit");
        assert!(message.starts_with(&begin) && message.ends_with(&advice), "{message}");
        assert_eq!(refused.retry_after, None, "{message}");
    }
    let refused = refusal(&STRICT, OWNER, 6, 6).await;
    assert_eq!(seconds(&refused), Some(720), "the most passes later");
}
