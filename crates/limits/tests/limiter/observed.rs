//! The decisions that an observer counts.

use super::*;

#[tokio::test]
async fn each_limit_is_counted_once_a_request() {
    use Observed::Decided;
    let recorder = Arc::new(Recorder::default());
    let limiter = Limiter::new(&STRICT, None, Arc::clone(&recorder) as _);
    let cases = [
        (6, Mode::DryRun, vec![], "the charge that follows is counted"),
        (
            6,
            Mode::Charge,
            vec![Decided(Scope::Caller, true), Decided(Scope::TargetItself, true)],
            "admitted",
        ),
        (
            1,
            Mode::DryRun,
            vec![Decided(Scope::Caller, true), Decided(Scope::TargetItself, false)],
            "no charge follows a refusal",
        ),
        (
            5,
            Mode::Charge,
            vec![Decided(Scope::Caller, false), Decided(Scope::TargetItself, false)],
            "both refuse",
        ),
    ];
    for (ports, mode, expected, why) in cases {
        let _ = limiter.charge((OWNER, OWNER), ports, mode).await;
        assert_eq!(recorder.take(), expected, "{why}");
    }
}
