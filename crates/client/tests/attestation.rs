//! Checkers that sign statements, right and wrong ones.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
    time::SystemTime,
};

use port_checker_attestation::{
    Claims, KeySet, MAX_KEY_SET_BYTES, SigningKey, Timestamp, TokenId, Validity,
};
use port_checker_client::{
    Agent, Attest, CheckRequest, CheckResponse, Checker, NoVerdict, Plan, Port, Transport,
};
use port_checker_testbed::{certificates::Identity, ports::unused};
use serde_json::{Value, json};

const CHALLENGE: &str = "0123456789abcdef";

fn key() -> SigningKey {
    SigningKey::from_pem(Identity::self_signed(&["signer"]).key.as_bytes()).expect("a key")
}

fn keys(key: &SigningKey) -> String {
    KeySet::from_iter([key.public().clone()]).to_json()
}

fn ago(seconds: u64) -> Timestamp {
    let now: Timestamp = SystemTime::now().try_into().expect("a good clock");
    Timestamp::from_seconds(now.seconds() - seconds).expect("after 1970")
}

/// The statement that the request below asks for.
fn claims() -> Claims {
    Claims {
        issuer: "https://checker.example".parse().expect("an issuer"),
        validity: Validity::new(ago(0), 7200).expect("two hours"),
        id: TokenId::from_bytes(&[7; 16]),
        audience: "market".parse().ok(),
        nonce: "n-1".parse().ok(),
        address: "203.0.113.7".parse().expect("an address"),
        transport: Transport::Tcp,
        open: "7466".parse().expect("ports"),
        challenge: CHALLENGE.parse().expect("a challenge"),
        vantage: None,
    }
}

/// Two ports, of which the answer calls the first one open.
fn request() -> CheckRequest {
    let attest = Attest { audience: "market".parse().ok(), nonce: "n-1".parse().ok() };
    CheckRequest {
        provider_ip: "203.0.113.7".parse().ok(),
        challenge: CHALLENGE.parse().ok(),
        attest: Some(attest),
        ..CheckRequest::of_ports([7466, 50801].map(|port| Port::new(port).expect("a port")))
    }
}

/// A checker that publishes these keys, and ends its answers with this.
fn checker(keys: Option<String>, statement: &Value, by_lines: bool) -> Checker {
    let open = json!({"accessible": true, "error": null});
    let closed = json!({"accessible": false, "error": "Connection refused"});
    let mut sum = json!({"success": true, "message": "1 of 2"});
    if *statement != json!("left out") {
        sum["attestation"] = statement.clone();
    }
    let answer = if by_lines {
        let line = |port: u16, result: &Value| {
            format!(
                "{}\n",
                json!({"port": port, "accessible": result["accessible"], "error": result["error"]})
            )
        };
        let body = line(7466, &open) + &line(50801, &closed) + &format!("{sum}\n");
        page("200 OK\r\ncontent-type: application/x-ndjson", &body)
    } else {
        sum["results"] = json!({"7466": open, "50801": closed});
        page("200 OK\r\ncontent-type: application/json", &sum.to_string())
    };
    let keys = keys.map_or_else(|| page("404 Not Found", ""), |keys| page("200 OK", &keys));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound socket"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = [0; 4096];
            let count = stream.read(&mut head).unwrap_or_default();
            let asks_keys = head[..count].starts_with(b"GET /.well-known/jwks.json ");
            let _ = stream.write_all(if asks_keys { &keys } else { &answer }.as_bytes());
        }
    });
    Checker::new(&url).expect("an address")
}

fn page(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

async fn ask(
    keys: Option<String>,
    statement: &Value,
    by_lines: bool,
) -> Result<CheckResponse, NoVerdict> {
    checker(keys, statement, by_lines).check(&request(), |_| {}).await
}

/// A checker that dials nobody, and signs whatever it is asked for.
fn liar() -> Checker {
    let key = key();
    let keys = page("200 OK", &keys(&key));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound socket"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = Vec::new();
            // The body may come in a separate piece; what is not asked with a body has no brace.
            while !request.ends_with(b"}") && !request.starts_with(b"GET ") {
                let mut piece = [0; 4096];
                let count = stream.read(&mut piece).expect("a request");
                request.extend_from_slice(&piece[..count]);
            }
            let text = String::from_utf8(request).expect("text");
            let answer = match text.split_once("\r\n\r\n{") {
                None => keys.clone(),
                Some((_, body)) => page("200 OK", &lie(&key, &format!("{{{body}"))),
            };
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    Checker::new(&url).expect("an address")
}

fn lie(key: &SigningKey, request: &str) -> String {
    let request: CheckRequest = serde_json::from_str(request).expect("a request");
    let port = request.ports[0];
    let claims = Claims {
        address: request.provider_ip.expect("an address").into(),
        open: port.to_string().parse().expect("a port"),
        challenge: request.challenge.expect("a challenge"),
        audience: None,
        nonce: None,
        ..claims()
    };
    let token = key.sign(&claims).expect("random numbers");
    let results = json!({port.to_string(): {"accessible": true, "error": null}});
    json!({"success": true, "results": results, "message": "1 of 1", "attestation": token})
        .to_string()
}

#[tokio::test]
async fn a_statement_that_the_listeners_contradict_is_not_kept() {
    let plan = Plan {
        addresses: vec!["203.0.113.66".parse().expect("an address")],
        attest: Some(Attest::default()),
        ..Plan::of_ports(unused(1))
    };
    let diagnosis = Agent::new([liar()]).verify(plan).expect("a good plan").finish().await;
    let family = &diagnosis.families[0];
    assert_eq!(family.checkers[0].failure, None);
    assert!(!family.ports[0].accessible, "{family:?}");
    assert_eq!(family.checkers[0].attestations, []);
}

#[tokio::test]
async fn a_right_statement_comes_with_the_verdicts() {
    let key = key();
    let token = key.sign(&claims()).expect("random numbers");
    for by_lines in [false, true] {
        let answer = ask(Some(keys(&key)), &json!(token), by_lines).await.expect("verdicts");
        assert_eq!(answer.attestation, Some(Some(token.clone())));
        assert!(answer.results.get(7466).is_some_and(|result| result.accessible));
        let none = ask(None, &json!(null), by_lines).await.expect("no port qualified");
        assert_eq!(none.attestation, Some(None));
        let earlier = ask(None, &json!("left out"), by_lines).await.expect("an earlier version");
        assert_eq!(earlier.attestation, None);
    }
    let checker = checker(Some(keys(&key)), &json!(null), false);
    assert_eq!(checker.keys().await.expect("keys").to_json(), keys(&key));
}

#[tokio::test]
async fn a_wrong_statement_is_no_verdict_and_the_reason_is_named() {
    let key = key();
    let old = Validity::new(ago(7300), 7200).expect("two hours");
    let later = Validity::new(Timestamp::from_seconds(ago(0).seconds() + 600).unwrap(), 7200);
    let address = "203.0.113.8".parse().expect("an address");
    let challenge = "another-challenge".parse().expect("a challenge");
    let ports = |ports: &str| ports.parse().expect("ports");
    let cases = [
        (Claims { address, ..claims() }, "about 203.0.113.8 instead of 203.0.113.7"),
        (Claims { transport: Transport::Udp, ..claims() }, "about udp instead of tcp"),
        (Claims { challenge, ..claims() }, "another challenge"),
        (Claims { audience: "bazaar".parse().ok(), ..claims() }, "audience"),
        (Claims { audience: None, ..claims() }, "audience"),
        (Claims { nonce: "n-2".parse().ok(), ..claims() }, "nonce"),
        (Claims { nonce: None, ..claims() }, "nonce"),
        (Claims { validity: old, ..claims() }, "expired"),
        (Claims { validity: later.expect("two hours"), ..claims() }, "in the future"),
        (Claims { open: ports("7466,50801"), ..claims() }, "calls port 50801 open"),
        (Claims { open: ports("7466-7467"), ..claims() }, "calls port 7467 open"),
    ];
    for (claims, reason) in cases {
        let token = key.sign(&claims).expect("random numbers");
        refused(Some(keys(&key)), &token, reason).await;
    }
}

async fn refused(keys: Option<String>, token: &str, reason: &str) {
    for by_lines in [false, true] {
        let error = ask(keys.clone(), &json!(token), by_lines).await.expect_err(reason);
        assert!(matches!(error, NoVerdict::WrongStatement { .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains("gave a wrong statement: "), "{message}");
        assert!(message.contains(reason), "{reason}: {message}");
    }
}

#[tokio::test]
async fn a_statement_that_cannot_be_verified_is_no_verdict() {
    let (signer, other) = (key(), key());
    let token = signer.sign(&claims()).expect("random numbers");
    let long = " ".repeat(MAX_KEY_SET_BYTES) + &keys(&signer);
    refused(Some(keys(&other)), &token, "is not one of those that are trusted").await;
    refused(None, &token, "no keys to verify it with: ").await;
    refused(None, &token, "answered 404").await;
    refused(Some("{}".to_owned()), &token, "no list of keys").await;
    refused(Some(long), &token, "too long").await;
    refused(Some(keys(&signer)), &format!("{token}A"), "base64url").await;
    refused(Some(keys(&signer)), "\u{1b}[2J", "three parts").await;
}
