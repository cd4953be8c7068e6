//! One checker, good, bad or not there.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use port_checker_client::{CheckRequest, Checker, Extensible, NoVerdict, Port, Reason};
use port_checker_server::Config;
use port_checker_testbed::{
    ports::{Held, LOOPBACK, Listening, Refusing, Silent},
    process::Running,
};

/// A running checker that admits loopback.
async fn serve(change: impl FnOnce(&mut Config)) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound socket"));
    let mut config = Config::default();
    config.policy.allow_local = true;
    config.probe.delay = Duration::from_millis(10);
    config.probe.timeout = Duration::from_millis(200);
    change(&mut config);
    tokio::spawn(port_checker_server::run(listener, config, std::future::pending()));
    url
}

/// Something that answers every connection with the same bytes, and counts them.
fn always(answer: String) -> (String, &'static AtomicUsize) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound socket"));
    let asked: &'static AtomicUsize = Box::leak(Box::default());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            asked.fetch_add(1, Ordering::Relaxed);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (url, asked)
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn about(ports: &[Port]) -> CheckRequest {
    CheckRequest { provider_ip: Some(LOOPBACK), ..CheckRequest::of_ports(ports.iter().copied()) }
}

async fn no_verdict(url: &str, ports: &[Port]) -> NoVerdict {
    let checker =
        Checker::builder(url).expect("an address").timeout(Duration::from_millis(500)).build();
    checker.check(&about(ports), |_| {}).await.expect_err("no verdict")
}

#[tokio::test]
async fn verdicts_in_the_order_asked_and_progress_as_it_comes() {
    let checker = Checker::new(&serve(|_| {}).await).unwrap();
    let (open, closed, silent) =
        (Listening::on(LOOPBACK), Refusing::on(LOOPBACK), Silent::on(LOOPBACK));
    let asked = [silent.port(), closed.port(), open.port(), closed.port()];
    let mut arrivals = Vec::new();
    let answer = checker.check(&about(&asked), |line| arrivals.push(line.port)).await.unwrap();
    assert_eq!(arrivals, [open.port(), closed.port(), silent.port()], "the quickest first");
    let found = answer.results.iter().map(|(port, result)| (*port, result.accessible));
    let expected = [(silent.port(), false), (closed.port(), false), (open.port(), true)];
    assert_eq!(found.collect::<Vec<_>>(), expected, "in the order asked, each once");
    let error = answer.results.get(silent.port().get()).unwrap().error.as_deref();
    assert_eq!(error, Some(Reason::TimedOut.text()));
    assert_eq!(answer.message, "Successfully verified 1 out of 3 ports");
}

#[tokio::test]
async fn the_address_it_sees_us_from() {
    let checker = Checker::new(&serve(|_| {}).await).unwrap();
    assert_eq!(checker.ip().await.unwrap(), LOOPBACK);
}

#[tokio::test]
async fn a_refusal_is_no_verdict_in_the_checkers_own_words() {
    let url = serve(|config| config.policy.allow_local = false).await;
    let refused = no_verdict(&url, &[Port::MAX]).await;
    assert!(matches!(refused, NoVerdict::Refused { status: 403, .. }), "{refused}");
    assert!(refused.to_string().contains("PORT_CHECKER_ALLOW_LOCAL_IPS"), "{refused}");
}

#[tokio::test]
async fn what_fails_in_the_midst_of_the_answer_is_no_verdict() {
    let url = serve(|config| {
        config.probe.timeout = Duration::from_secs(20);
        config.deadline = Duration::from_millis(200);
    })
    .await;
    let (open, silent) = (Listening::on(LOOPBACK), Silent::on(LOOPBACK));
    let failed = no_verdict(&url, &[silent.port(), open.port()]).await;
    assert!(matches!(failed, NoVerdict::Refused { status: 503, .. }), "{failed}");
}

#[tokio::test]
async fn answers_that_are_none() {
    let one = r#"{"success":true,"results":{"1":{"accessible":true,"error":null}},"message":""}"#;
    let line = r#"{"port":1,"accessible":true,"error":null}"#;
    let ndjson =
        "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\nconnection: close\r\n\r\n";
    let cases = [
        (ok("]"), "it is not JSON", "no JSON"),
        (ok("{}"), "not the answer of a port checker", "another JSON"),
        (ok(one), "nothing of port 65535", "another port"),
        (ok(one).replace("length: ", "length: 9"), "", "cut short"),
        (
            "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 4\r\n\r\n<hr>".to_owned(),
            "502: a proxy before it cannot reach it",
            "a proxy",
        ),
        (
            "HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n".to_owned(),
            "302",
            "a redirect",
        ),
        (format!("{ndjson}{line}\n"), "broke off", "no summary"),
        (format!("{ndjson}{{}}\n"), "cannot be understood", "a line of another kind"),
        ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), "does not speak plain HTTP", "another protocol"),
    ];
    for (answer, said, why) in cases {
        let error = no_verdict(&always(answer).0, &[Port::MAX]).await;
        assert!(error.to_string().contains(said), "{why}: {error}");
    }
}

/// A newer checker may know more reasons, codes and outcomes of a challenge than we do.
#[tokio::test]
async fn unknown_words_of_a_newer_checker_leave_the_rest_readable() {
    let detail = r#"{"detail":{"code":"OUT_OF_INK","message":"refill it"}}"#;
    let line = r#"{"port":65535,"accessible":false,"error":"Eaten","reason":"eaten","attempts":2,"connect_ms":1.5,"challenge":"growled"}"#;
    let ndjson =
        |lines: &str| ok(lines).replacen("\r\n", "\r\ncontent-type: application/x-ndjson\r\n", 1);
    let whole = ok(detail).replacen("200 OK", "422 Unprocessable", 1);
    for answer in [whole, ndjson(&format!("{line}\n{detail}\n"))] {
        let error = no_verdict(&always(answer).0, &[Port::MAX]).await;
        let NoVerdict::Refused { code: Some(Extensible::Unknown(code)), message, .. } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!((code.as_str(), message.as_str()), ("OUT_OF_INK", "refill it"));
    }
    let end = r#"{"success":false,"message":""}"#;
    let checker = Checker::new(&always(ndjson(&format!("{line}\n{end}\n"))).0).unwrap();
    let answer = checker.check(&about(&[Port::MAX]), |_| {}).await.expect("a verdict");
    let result = answer.results.get(65_535).expect("it was asked for");
    let details = result.details.as_ref().expect("they were sent");
    assert_eq!(details.reason, Some(Extensible::Unknown("eaten".to_owned())));
    assert_eq!((result.error.as_deref(), details.attempts), (Some("Eaten"), 2));
}

#[tokio::test]
async fn words_of_a_checker_do_not_control_a_terminal() {
    let words = "\u{1b}[2J\u{7}\u{9b}31mnot\u{202e}hing\u{200b} here\r\n";
    let detail = format!(r#"{{"detail":{{"code":"NOT_FOUND","message":{}}}}}"#, quoted(words));
    for body in [words, &detail] {
        let answer = ok(body).replacen("200 OK", "404 Not Found", 1);
        let shown = no_verdict(&always(answer).0, &[Port::MAX]).await.to_string();
        assert!(shown.contains("[2J31mnothing here"), "{shown:?}");
        assert!(shown.is_ascii() && !shown.contains(char::is_control), "{shown:?}");
    }
}

/// As a string of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[tokio::test]
async fn nobody_there_and_nobody_answering() {
    let refusing = Refusing::on(LOOPBACK);
    let gone = no_verdict(&format!("http://{}", refusing.address()), &[Port::MIN]).await;
    assert!(matches!(gone, NoVerdict::Unreachable { .. }), "{gone}");
    assert!(gone.to_string().contains("refused"), "{gone}");
    let listening = Listening::on(LOOPBACK);
    let silent = no_verdict(&format!("http://{}", listening.address()), &[Port::MIN]).await;
    assert!(matches!(silent, NoVerdict::TimedOut { .. }), "{silent}");
}

#[tokio::test]
async fn a_busy_checker_is_asked_once_more_when_it_says() {
    let cases = [
        ("0", 2, "at once"),
        ("3600", 1, "not in an hour"),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 2, "a date that has passed"),
        ("Fri, 21 Oct 2095 07:28:00 GMT", 1, "not in so many years"),
        ("soon", 1, "no time"),
    ];
    for (when, expected, why) in cases {
        let (url, asked) = always(format!(
            "HTTP/1.1 503 Service Unavailable\r\nretry-after: {when}\r\ncontent-length: 2\r\n\
             connection: close\r\n\r\n{{}}"
        ));
        let error = no_verdict(&url, &[Port::MIN]).await;
        assert!(matches!(error, NoVerdict::Refused { status: 503, .. }), "{why}: {error}");
        assert_eq!(asked.load(Ordering::Relaxed), expected, "{why}");
    }
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else { return };
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n");
        while stream.write_all(&[b'x'; 65_536]).is_ok() {}
    });
    let checker = Checker::new(&format!("http://{address}")).unwrap();
    let error = checker.check(&about(&[Port::MIN]), |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
}

#[tokio::test]
async fn the_python_service_is_a_checker_too() {
    let Some((_python, address)) = Running::python_service() else { return };
    let checker = Checker::new(&format!("http://{address}")).unwrap();
    let (open, closed) = (Listening::on(LOOPBACK), Refusing::on(LOOPBACK));
    let asked = [closed.port(), open.port()];
    let answer = checker.check(&about(&asked), |_| panic!("it has no progress")).await.unwrap();
    let found: Vec<_> = answer.results.iter().map(|(_, result)| result.accessible).collect();
    assert_eq!(found, [false, true]);
    assert!(checker.ip().await.is_err(), "it cannot tell");
}
