//! The surplus that ports get back whose challenge matched.

use port_checker_limits::Receipt;

use super::*;

async fn charge(limiter: &Limiter, caller: IpAddr) -> Receipt {
    limiter.charge((caller, OWNER), 3, Mode::Charge).await.expect("admitted").1
}

async fn left_of_caller(limiter: &Limiter, caller: IpAddr) -> u64 {
    left(limiter, caller, OWNER).await[0].1
}

#[tokio::test]
async fn a_matched_port_of_another_address_costs_one_probe() {
    for (matched, expected) in [(0, 1), (1, 3), (3, 7)] {
        let limiter = in_memory(&STRICT);
        let mut receipt = charge(&limiter, STRANGER).await;
        assert_eq!(left_of_caller(&limiter, STRANGER).await, 1, "three times three of ten");
        for _ in 0..matched {
            receipt.note_match();
        }
        for time in ["once", "a second time"] {
            receipt.give_back().await;
            assert_eq!(left_of_caller(&limiter, STRANGER).await, expected, "{matched} {time}");
        }
        let of_target = left(&limiter, STRANGER, OWNER).await[1];
        assert_eq!(of_target, (Scope::ThirdParties, 3), "the target's part is spent");
    }
}

/// A client that hangs up loses nothing.
#[tokio::test]
async fn a_dropped_receipt_gives_back_too() {
    let limiter = in_memory(&STRICT);
    let mut receipt = charge(&limiter, STRANGER).await;
    receipt.note_match();
    drop(receipt);
    tokio::time::timeout(Duration::from_secs(60), async {
        while left_of_caller(&limiter, STRANGER).await != 3 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the task gives back");
}

#[tokio::test]
async fn after_a_dry_run_there_is_nothing_to_give_back() {
    let limiter = in_memory(&STRICT);
    assert!(admits(&limiter, STRANGER, OWNER, 2).await);
    let mut receipt = limiter.charge((STRANGER, OWNER), 1, Mode::DryRun).await.unwrap().1;
    receipt.note_match();
    receipt.give_back().await;
    assert_eq!(left_of_caller(&limiter, STRANGER).await, 4);
}

#[tokio::test]
async fn an_owner_is_given_nothing_back() {
    let limiter = in_memory(&STRICT);
    let mut receipt = charge(&limiter, OWNER).await;
    receipt.note_match();
    receipt.give_back().await;
    assert_eq!(left_of_caller(&limiter, OWNER).await, 7, "one probe a port");
}
