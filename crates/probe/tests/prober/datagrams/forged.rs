//! Answers that are none, or not to the question.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use port_checker_api::UdpQuestion;

use super::*;

/// The finding about a program that sends `answers`, and how many datagrams were ignored as foreign, malformed and
/// unmatched.
async fn answered(
    attempts: u32,
    answers: impl FnMut(UdpQuestion) -> Vec<Vec<u8>> + Send + 'static,
) -> (Finding, (u64, u64, u64)) {
    judged(attempts, V4, Answering::by(V4, answers)).await
}

async fn judged(attempts: u32, ip: IpAddr, port: Answering) -> (Finding, (u64, u64, u64)) {
    let prober = prober(attempts, 10);
    let finding = found(&prober, ip, vec![port.port()]).await[0];
    let ignored = prober.ignored_datagrams();
    (finding, (ignored.foreign(), ignored.malformed(), ignored.unmatched()))
}

fn right(question: UdpQuestion) -> Vec<u8> {
    question.answered(CHALLENGE.as_bytes())
}

type Answers = fn(UdpQuestion) -> Vec<Vec<u8>>;

#[tokio::test]
async fn datagrams_that_answer_nothing() {
    let cases: [(Answers, (u64, u64, u64), &str); 8] = [
        (
            |it| vec![UdpQuestion { token: it.token.map(|byte| !byte) }.answered(b"x")],
            (0, 0, 1),
            "another token",
        ),
        (
            |mut it| {
                it.token[15] ^= 1;
                vec![right(it)]
            },
            (0, 0, 1),
            "a token of which one bit is wrong",
        ),
        (|it| vec![right(it)[..23].to_vec()], (0, 1, 0), "too short"),
        (|it| vec![[right(it), vec![0; 160]].concat()], (0, 1, 0), "longer than the question"),
        (|it| vec![[right(it), vec![0; 1_400]].concat()], (0, 1, 0), "very long"),
        (|it| vec![it.to_bytes().to_vec()], (0, 1, 0), "the question itself"),
        (|_| vec![Vec::new()], (0, 1, 0), "empty"),
        (|_| vec![b"\x1b[31mroot:hunter2\r\n".to_vec(); 100], (0, 100, 0), "another protocol"),
    ];
    for (answers, ignored, why) in cases {
        let (found, counted) = answered(1, answers).await;
        assert_eq!((found.verdict, found.challenge), (SILENT, None), "{why}");
        assert_eq!(counted, ignored, "{why}");
    }
}

#[tokio::test]
async fn another_challenge_is_a_mismatch() {
    let cases: [(Answers, &str); 4] = [
        (|it| vec![it.answered(b"correct horse battery staplE")], "the last character differs"),
        (|it| vec![it.answered(b"correct horse battery staple\n")], "a line feed more"),
        (|it| vec![it.answered(b"")], "none"),
        (|it| vec![it.answered(&[0xff; 136])], "as long as may be"),
    ];
    for (answers, why) in cases {
        let (found, ignored) = answered(1, answers).await;
        assert_eq!(found.verdict, FAILED, "{why}");
        assert_eq!(found.challenge, Some(ChallengeOutcome::Mismatched), "{why}");
        assert_eq!(ignored, (0, 0, 0), "{why}");
    }
}

/// So many answers to questions that nobody asked, from the right port.
fn guesses(question: UdpQuestion, count: u16) -> Vec<Vec<u8>> {
    let guess = |number: u16| {
        let mut token = question.token;
        token[..2].copy_from_slice(&number.to_be_bytes());
        UdpQuestion { token }
    };
    (0..count).map(guess).filter(|guess| *guess != question).map(right).collect()
}

#[tokio::test]
async fn ten_thousand_guesses_open_no_port() {
    let (found, (foreign, malformed, unmatched)) =
        answered(1, |question| guesses(question, 10_000)).await;
    assert_eq!((found.verdict, found.challenge), (SILENT, None));
    assert_eq!((foreign, malformed), (0, 0));
    // The kernel's buffer holds so many, even if nobody reads them meanwhile.
    assert!(unmatched >= 200, "{unmatched}");
}

#[tokio::test]
async fn the_right_answer_counts_behind_guesses() {
    let answers = |question| {
        let mut answers = guesses(question, 200);
        answers.push(right(question));
        answers
    };
    let (found, (.., unmatched)) = answered(1, answers).await;
    assert_eq!(found.verdict, Verdict::Open);
    assert!((199..=200).contains(&unmatched), "{unmatched}");
}

#[tokio::test]
async fn a_hundred_answers_are_one() {
    let (silent, open) = (Mute::on(V4), Answering::by(V4, |question| vec![right(question); 100]));
    let prober = prober(1, 10);
    let found = found(&prober, V4, vec![open.port(), silent.port()]).await;
    assert_eq!((found[0].verdict, found[1].verdict), (Verdict::Open, SILENT));
    assert_eq!(prober.ignored_datagrams().unmatched(), 99);
}

/// The second attempt is answered with the answer to the first, whose time is over.
#[tokio::test]
async fn an_older_answer_is_no_answer() {
    let first = Arc::new(Mutex::new(None));
    let answers = move |question| {
        let mut first = first.lock().unwrap();
        match &*first {
            Some(first) => vec![right(*first)],
            None => {
                *first = Some(question);
                Vec::new()
            }
        }
    };
    let settings = ProbeSettings { delay: Duration::from_millis(400), ..settings(2) };
    let prober = Prober::new(settings, Budget::new(10));
    let port = Answering::by(V4, answers);
    let found = found(&prober, V4, vec![port.port()]).await;
    assert_eq!((found[0].verdict, found[0].attempts), (SILENT, 2));
    assert_eq!(prober.ignored_datagrams().unmatched(), 1);
}

#[tokio::test]
async fn answers_from_elsewhere_are_none() {
    let other = IpAddr::from([127, 0, 0, 2]);
    let cases = [
        (V4, other, (1, 0, 0), "another address"),
        (V4, V4, (0, 0, 1), "another port"),
        (V6, V6, (0, 0, 1), "another port"),
    ];
    for (ip, from, ignored, why) in cases {
        let port = Answering::from_elsewhere(ip, from, |question| vec![right(question)]);
        let (found, counted) = judged(1, ip, port).await;
        assert_eq!((found.verdict, counted), (SILENT, ignored), "{why}");
    }
}

/// The answer to one port says nothing about another.
#[tokio::test]
async fn a_token_is_good_for_its_own_port() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let port = |seen: &Arc<Mutex<Vec<UdpQuestion>>>| {
        let seen = Arc::clone(seen);
        Answering::by(V4, move |question| {
            let mut seen = seen.lock().unwrap();
            let answers = seen.iter().copied().map(right).collect();
            seen.push(question);
            answers
        })
    };
    let ports = [port(&seen), port(&seen)];
    let prober = prober(1, 10);
    let found = found(&prober, V4, ports.iter().map(Answering::port).collect()).await;
    assert_eq!((found[0].verdict, found[1].verdict), (SILENT, SILENT));
    assert_eq!(prober.ignored_datagrams().unmatched(), 1);
}

/// Datagrams of strangers that come without end take neither the processor nor the verdict.
#[tokio::test]
async fn others_have_the_processor_during_a_flood_and_it_ends_at_the_time_out() {
    const TURNS: usize = 1_000;
    let silent = Mute::on(V4);
    let settings = ProbeSettings { timeout: Duration::from_secs(1), ..settings(1) };
    let prober = Prober::new(settings, Budget::new(1));
    let began = Instant::now();
    let mut check = check(&prober, target(V4, vec![silent.port()]));
    let soon = Duration::from_millis(20);
    assert!(tokio::time::timeout(soon, check.next()).await.is_err(), "no answer yet");
    let (_, checker) = silent.read();
    let ends = Arc::<AtomicBool>::default();
    let ended = Arc::clone(&ends);
    let flood = thread::spawn(move || {
        let stranger = Mute::on(V4);
        let mut sent = 0_u64;
        while !ended.load(Ordering::Relaxed) {
            stranger.send(b"PRTCHK1! or whatever", checker);
            sent += 1;
        }
        sent
    });
    let turns = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&turns);
    let other = tokio::spawn(async move {
        loop {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    let found = check.next().await.unwrap().unwrap();
    let took = began.elapsed();
    ends.store(true, Ordering::Relaxed);
    other.abort();
    let sent = flood.join().expect("no panic");
    assert_eq!((found.verdict, found.attempts), (SILENT, 1));
    assert!(took < settings.timeout * 2, "{took:?}");
    let turns = turns.load(Ordering::Relaxed);
    assert!(turns >= TURNS, "{turns} of {TURNS}, while {sent} datagrams came");
    let ignored = prober.ignored_datagrams();
    assert!(ignored.malformed() > 0 && ignored.malformed() <= sent, "{ignored:?} of {sent}");
}
