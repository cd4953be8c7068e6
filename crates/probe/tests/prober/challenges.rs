//! Lines that listeners send, and whether they are the caller's challenge.

use std::{io::Write, time::Duration};

use port_checker_probe::{
    Budget,
    ChallengeOutcome::{self, Matched, Mismatched},
    Check, Finding, Probe, ProbeSettings, Prober, Reason, Target, Verdict,
};
use port_checker_testbed::ports::{Held, Listening, Refusing};
use tokio::io::AsyncWriteExt;

use super::{
    LONG, V4, V6,
    attempts::{RESET, hanging_up},
    findings, settings, target,
};

#[tokio::test]
async fn challenges() {
    let expected = "correct horse battery staple";
    let endless: String = "x".repeat(1 << 20);
    let cases: [(&[u8], _, _, &str); 9] = [
        (b"correct horse battery staple\n", Verdict::Open, Matched, "the challenge"),
        (b"correct horse battery staple\nand more", Verdict::Open, Matched, "and more"),
        (b"correct horse battery staplE\n", FAILED, Mismatched, "the last character differs"),
        (b"correct horse battery\n", FAILED, Mismatched, "too short"),
        (b"correct horse battery staple", FAILED, Mismatched, "no line feed"),
        (b"correct horse battery staple\r\n", FAILED, Mismatched, "another line end"),
        (b"\x00\xff\xfe garbage \n\n", FAILED, Mismatched, "garbage"),
        (endless.as_bytes(), FAILED, Mismatched, "an endless line"),
        (b"", FAILED, ChallengeOutcome::Silent, "nothing"),
    ];
    for (sent, verdict, challenge, why) in cases {
        let finding = challenged(expected, sent, None).await;
        assert_eq!((finding.verdict, finding.challenge), (verdict, Some(challenge)), "{why}");
    }
}

#[tokio::test]
async fn a_challenge_may_come_byte_by_byte_but_not_after_the_time_out() {
    let expected = "0123456789abcdef";
    let line = format!("{expected}\n").into_bytes();
    let quick = challenged(expected, &line, Some(Duration::from_millis(1))).await;
    assert_eq!(quick.challenge, Some(Matched));
    let slow = challenged(expected, &line, Some(Duration::from_millis(100))).await;
    assert_eq!((slow.verdict, slow.challenge), (FAILED, Some(Mismatched)));
    let unanswered = Listening::on(V4);
    let target = target(V4, vec![unanswered.port()]);
    let finding = findings(check_challenged(expected, target, patient())).await[0];
    assert_eq!(
        (finding.verdict, finding.challenge),
        (FAILED, Some(ChallengeOutcome::Silent)),
        "says nothing"
    );
}

#[tokio::test]
async fn a_challenge_that_came_in_time_is_seen_even_if_nobody_looked() {
    let challenge = "0123456789abcdef";
    let (listening, refusing) = (Listening::on(V4), Refusing::on(V4));
    let target = target(V4, vec![listening.port(), refusing.port()]);
    let settings = settings(1);
    let prober = Prober::new(settings, Budget::new(16));
    let admission = prober.budget().admit_now(V4, 2).expect("a socket");
    let expected = Some(challenge.parse().expect("a challenge"));
    let mut check = prober.check(admission, target, Probe::Tcp { challenge: expected }, LONG);
    let first = check.next().await.unwrap().unwrap();
    assert_eq!(first.verdict, Verdict::NotOpen(Reason::Refused));
    let (mut peer, _) = listening.listener.accept().unwrap();
    peer.write_all(format!("{challenge}\n").as_bytes()).unwrap();
    // A consumer that is busy with other things, such as a client that reads slowly.
    tokio::time::sleep(settings.timeout * 2).await;
    let second = check.next().await.unwrap().unwrap();
    assert_eq!((second.verdict, second.challenge), (Verdict::Open, Some(Matched)));
}

#[tokio::test]
async fn a_line_is_judged_at_its_end_though_the_connection_lasts() {
    const CHALLENGE: &str = "0123456789abcdef";
    let soon = Duration::from_secs(10);
    let whole = format!("{CHALLENGE}\n");
    // No line feed comes within the 256 bytes that are read.
    for (sent, outcome) in [(whole, Matched), ("x".repeat(256), Mismatched)] {
        let listening = Listening::on(V4);
        let settings = ProbeSettings { timeout: LONG, ..settings(1) };
        let target = target(V4, vec![listening.port()]);
        let mut check = check_challenged(CHALLENGE, target, settings);
        let says = tokio::task::spawn_blocking(move || {
            let (mut peer, _) = listening.listener.accept().expect("the prober connects");
            peer.write_all(sent.as_bytes()).expect("the prober reads");
            peer
        });
        let found =
            tokio::time::timeout(soon, check.next()).await.expect("long before the time-out");
        assert_eq!(found.unwrap().unwrap().challenge, Some(outcome));
        drop(says.await);
    }
}

#[tokio::test]
async fn where_nothing_listens_no_challenge_is_read() {
    let refusing = Refusing::on(V4);
    let check = check_challenged("0123456789abcdef", target(V4, vec![refusing.port()]), patient());
    let finding = findings(check).await[0];
    assert_eq!((finding.verdict, finding.challenge), (Verdict::NotOpen(Reason::Refused), None));
}

/// The program that listens there hung up; no line of another kind came.
#[tokio::test]
async fn a_listener_that_resets_the_connection_did_not_answer() {
    for ip in [V4, V6] {
        let check =
            check_challenged("0123456789abcdef", target(ip, vec![hanging_up(ip, true)]), patient());
        let finding = findings(check).await[0];
        assert_eq!((finding.verdict, finding.challenge), (RESET, None), "{ip}");
    }
}

/// Time for a line.
fn patient() -> ProbeSettings {
    ProbeSettings { timeout: Duration::from_secs(1), ..settings(1) }
}

const FAILED: Verdict = Verdict::NotOpen(Reason::ChallengeFailed);

/// The finding for a listener that sends `sent`, at once or with a pause after each byte.
async fn challenged(expected: &str, sent: &[u8], pause: Option<Duration>) -> Finding {
    let listening = Listening::on(V4);
    let target = target(V4, vec![listening.port()]);
    let listener = listening.listener;
    listener.set_nonblocking(true).expect("a socket");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime");
    let answer = async {
        let (mut peer, _) = listener.accept().await.expect("the prober connects");
        let pieces = sent.chunks(if pause.is_some() { 1 } else { sent.len().max(1) });
        for piece in pieces {
            let _ = peer.write_all(piece).await;
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
        }
    };
    let check = check_challenged(expected, target, patient());
    tokio::join!(findings(check), answer).0[0]
}

fn check_challenged(challenge: &str, target: Target, settings: ProbeSettings) -> Check {
    let prober = Prober::new(settings, Budget::new(1));
    let admission = prober.budget().admit_now(V4, 1).expect("a socket");
    let challenge = Some(challenge.parse().expect("a challenge"));
    prober.check(admission, target, Probe::Tcp { challenge }, LONG)
}
