//! `port-checker attestation verify`, as a requestor runs it.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::Stdio,
    thread,
};

use port_checker_attestation::{Claims, MAX_KEY_SET_BYTES};
use serde_json::{Value, json};

use super::{
    desk::{Desk, Ended, sign},
    tokens::{ISSUER, Key, claims},
};
use crate::{https::Https, program::port_checker};

/// Claims for everybody, from one checker.
fn public_claims(issuer: &str) -> Claims {
    Claims {
        issuer: issuer.parse().expect("an issuer"),
        audience: None,
        nonce: None,
        vantage: None,
        ..claims()
    }
}

/// Answers each connection with these bytes; its URL.
fn server(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { return };
            // The head of a request is short; who asks may have gone.
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection.write_all(&answer);
        }
    });
    url
}

fn page(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

#[test]
fn two_of_two_checkers_agree_and_a_stranger_does_not_count() {
    let (desk, a, b, stranger) = (Desk::new(), Key::new(), Key::new(), Key::new());
    desk.trust("a.json", &a);
    desk.trust("b.json", &b);
    let proofs = [
        sign(&a, &public_claims("https://a.example")),
        String::new(),
        sign(&b, &Claims { open: "7466".parse().unwrap(), ..public_claims("https://b.example") }),
        sign(&stranger, &public_claims("https://c.example")),
    ];
    desk.write("proofs", &(proofs.join("\r\n") + "\n"));
    let issuers = ["--issuer", "a.json", "--issuer", "https://b.example=b.json"];
    let args = [&["proofs"], &issuers[..], &["--quorum", "2"]].concat();
    let Ended { status, printed: text, .. } = desk.verify(&args);
    assert_eq!(status, Some(0), "{text}");
    let id = stranger.id();
    assert_eq!(
        text,
        format!(
            "\
STATEMENT  ISSUER             VANTAGE  ADDRESS    VALID FOR    OPEN PORTS
proofs:1   https://a.example  -        192.0.2.7  120 minutes  tcp 7466,50800-50899
proofs:3   https://b.example  -        192.0.2.7  120 minutes  tcp 7466
proofs:4: not believed: the key {id} is not one of those that are trusted
192.0.2.7 over tcp: proven by at least 2 issuers: 7466
192.0.2.7 over tcp: not proven: 50800-50899 (fewer than 2 issuers)
Holds
"
        )
    );
    let Ended { status, printed: text, .. } = desk.verify(&[&["proofs"], &issuers[..]].concat());
    assert_eq!(status, Some(1), "{text}");
    assert!(text.ends_with("\nDoes not hold: 1 of 3 not believed\n"), "{text}");
}

#[test]
fn the_document_says_the_same_for_programs() {
    let (desk, a) = (Desk::new(), Key::new());
    desk.trust("a.json", &a);
    desk.write("proofs", &format!("{}\nx.y.z\n", sign(&a, &claims())));
    let wanted = ["--audience", "market", "--nonce", "n-1", "--ip", "192.0.2.7"];
    let args = [&["proofs", "--issuer", "a.json", "--json", "--quorum", "1"], &wanted[..]].concat();
    let Ended { status, printed: text, .. } = desk.verify(&args);
    let document: Value = serde_json::from_str(&text).expect(&text);
    assert_eq!((status, &document["outcome"]), (Some(0), &json!("holds")));
    let [good, bad] = [0, 1].map(|index| &document["statements"][index]);
    assert_eq!(good["claims"]["open"], "7466,50800-50899");
    assert_eq!(good["claims"]["vantage"], json!({"code": "fra1", "rir": "RIPE"}));
    assert_eq!(good["kid"], json!(a.id()));
    assert_eq!((&bad["believed"], &bad["claims"]), (&json!(false), &Value::Null));
    assert!(bad["reason"].as_str().is_some_and(|reason| reason.contains("base64url")), "{bad}");
    let results = json!([{
        "ip": "192.0.2.7", "transport": "tcp", "issuers": [ISSUER], "proven": "7466,50800-50899",
        "not_proven": null,
    }]);
    assert_eq!(document["quorum"], json!({"required": 1, "results": results}));
}

#[test]
fn one_line_says_why_a_statement_is_not_believed() {
    let (desk, a) = (Desk::new(), Key::new());
    desk.trust("a.json", &a);
    desk.write("proofs", &sign(&a, &claims()));
    let wanted = ["--audience", "market", "--nonce", "n-1", "--ip", "192.0.2.7"];
    let good = [&["proofs", "--issuer", "a.json"], &wanted[..]].concat();
    assert_eq!(desk.verify(&good).status, Some(0));
    let cases = [
        ("market", "bazaar", "the statement is not for the expected audience"),
        ("n-1", "n-2", "the statement does not have the expected nonce"),
        ("192.0.2.7", "192.0.2.8", "the statement is about 192.0.2.7 instead of 192.0.2.8"),
    ];
    for (right, wrong, why) in cases {
        let args: Vec<_> = good.iter().map(|&it| if it == right { wrong } else { it }).collect();
        let Ended { status, printed: text, .. } = desk.verify(&args);
        let expected =
            format!("proofs:1: not believed: {why}\nDoes not hold: 1 of 1 not believed\n");
        assert_eq!((status, text), (Some(1), expected));
    }
    let Ended { printed: text, .. } = desk.verify(&["proofs", "--issuer", "a.json"]);
    assert!(text.contains("accepted where that audience is expected"), "{text}");
    let other = ["proofs", "--issuer", "https://other.example=a.json", "--audience", "market"];
    let Ended { status, printed: text, .. } = desk.verify(&other);
    assert_eq!(status, Some(1));
    assert!(text.contains("its key is not a key of that issuer"), "{text}");
}

#[test]
fn keys_are_fetched_from_the_issuers_that_are_given() {
    let (desk, a) = (Desk::new(), Key::new());
    let url = server(page("200 OK", &a.set().to_json()));
    desk.write("proofs", &sign(&a, &public_claims(&url)));
    let slash = format!("{url}/");
    for issuer in [&url, &slash] {
        assert_eq!(desk.verify(&["proofs", "--issuer", issuer]).status, Some(0));
    }
    desk.write("proofs", &sign(&a, &public_claims(ISSUER)));
    let Ended { status, printed: text, .. } = desk.verify(&["proofs", "--issuer", &url]);
    assert_eq!(status, Some(1));
    assert!(text.contains(&format!("{ISSUER} issued it, but its key is not a key of")), "{text}");
}

#[test]
fn keys_that_cannot_be_fetched_leave_it_undecided_only_if_they_would_decide() {
    let (desk, a, b) = (Desk::new(), Key::new(), Key::new());
    desk.trust("a.json", &a);
    let [of_a, of_b] = [(&a, "https://a.example"), (&b, "https://b.example")]
        .map(|(key, name)| sign(key, &public_claims(name)));
    desk.write("both", &format!("{of_a}\n{of_b}"));
    desk.write("a-only", &of_a);
    desk.write("b-and-rubbish", &format!("{of_b}\nx"));
    let long = "x".repeat(MAX_KEY_SET_BYTES + 1);
    let without_keys = [
        (page("404 Not Found", "{}"), "404"),
        (page("302 Found\r\nLocation: https://elsewhere.example/", ""), "elsewhere.example"),
        (page("200 OK", "<html>"), "not a JSON object"),
        (page("200 OK", &long), "too long"),
        (Vec::new(), "cannot talk to"),
    ];
    for (answer, reason) in without_keys {
        let url = server(answer);
        let issuers = ["--issuer", "a.json", "--issuer", &url];
        let output = desk.verify(&[&["both"], &issuers[..]].concat());
        let complaint = &output.complaints;
        assert_eq!(output.status, Some(3), "{complaint}");
        assert!(complaint.contains(reason) && complaint.lines().count() == 1, "{complaint}");
        let cases = [
            (&["both", "--quorum", "2"][..], 3, "the second may be of the issuer without keys"),
            (&["both", "--quorum", "1"], 0, "one is enough"),
            (&["a-only"], 0, "it is not needed"),
            (&["a-only", "--quorum", "2"], 1, "nothing is of it"),
            (&["b-and-rubbish"], 1, "one is wrong in any case"),
            (&["both", "--ip", "192.0.2.8"], 1, "one is about another address"),
        ];
        for (args, expected, why) in cases {
            let Ended { status, printed: text, .. } = desk.verify(&[args, &issuers].concat());
            assert_eq!(status, Some(expected), "{why}: {text}");
        }
    }
}

#[test]
fn nobody_signs_in_the_name_of_an_issuer_whose_keys_are_missing() {
    let (desk, a) = (Desk::new(), Key::new());
    desk.trust("a.json", &a);
    let url = server(page("404 Not Found", "{}"));
    desk.write("proofs", &sign(&a, &public_claims(&url)));
    let Ended { status, printed: text, .. } =
        desk.verify(&["proofs", "--issuer", "a.json", "--issuer", &url]);
    assert_eq!(status, Some(1), "{text}");
}

#[test]
fn wrong_usage_names_the_problem() {
    let (desk, a) = (Desk::new(), Key::new());
    desk.trust("a.json", &a);
    desk.write("proofs", &sign(&a, &public_claims(ISSUER)));
    desk.write("private.json", r#"{"keys":[{"kty":"EC","d":"AA"}]}"#);
    desk.write("many", &"x\n".repeat(1001));
    let cases = [
        (&["proofs"][..], "--issuer"),
        (&["--issuer", "a.json"], "FILE"),
        (&["missing", "--issuer", "a.json"], "cannot read missing"),
        (&["proofs", "--issuer", "missing.json"], "there is no such file"),
        (&["proofs", "--issuer", "proofs"], "not a JSON object"),
        (&["proofs", "--issuer", "private.json"], "private key"),
        (&["proofs", "--issuer", "a.json", "--issuer", "a.json"], "given twice"),
        (&["proofs", "--issuer", "a.json", "--quorum", "2"], "quorum of 2"),
        (&["proofs", "--issuer", "a.json", "--quorum", "0"], "1 or more"),
        (&["proofs", "--issuer", "a.json", "--nonce", ""], "a nonce has"),
        (&["proofs", "--issuer", "a.json", "--ip", "a.example"], "no name"),
        (&["proofs", "--issuer", "http://checker.example"], "plain HTTP"),
        (&["proofs", "--issuer", "https://checker.example/?x"], "an issuer is"),
        (&["many", "--issuer", "a.json"], "more than 1000 statements"),
    ];
    for (args, expected) in cases {
        let output = desk.verify(args);
        let complaint = &output.complaints;
        assert_eq!(output.status, Some(2), "{args:?}: {complaint}");
        assert!(complaint.contains(expected), "{args:?}: {complaint}");
    }
}

#[test]
fn statements_come_through_a_pipe_and_nothing_in_them_reaches_the_terminal() {
    let (desk, a) = (Desk::new(), Key::new());
    desk.trust("a.json", &a);
    let mut command = port_checker(&["attestation", "verify", "-", "--issuer", "a.json"], &[]);
    command.current_dir(desk.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let good = sign(&a, &public_claims(ISSUER));
    let lines = [good.as_bytes(), b"\n\x1b[2J\xff\n"].concat();
    child.stdin.take().expect("a pipe").write_all(&lines).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains("\nstdin:1 ") && text.contains("\nstdin:2: not believed: "), "{text}");
    assert!(!text.contains('\x1b') && output.status.code() == Some(1), "{text}");
    desk.write("empty", "\n\n");
    let Ended { status, printed: text, .. } = desk.verify(&["empty", "--issuer", "a.json"]);
    assert_eq!((status, &*text), (Some(1), "Does not hold: there is no statement\n"));
}

#[test]
fn keys_come_over_https_from_whom_an_authority_vouches_for() {
    let (desk, key) = (Desk::new(), Key::new());
    desk.write("key.pem", &key.pem);
    let pem = desk.path().join("key.pem");
    let settings = [
        ("PORT_CHECKER_ISSUER", ISSUER),
        ("PORT_CHECKER_SIGNING_KEY", pem.to_str().expect("a path in UTF-8")),
    ];
    let checker = Https::start_with(&settings);
    desk.write("authority.pem", &checker.authority.pem);
    let url = format!("https://localhost:{}", checker.address().port());
    desk.write("proofs", &sign(&key, &public_claims(&url)));
    let args = ["proofs", "--issuer", &url, "--ca-file", "authority.pem"];
    let Ended { status, printed: text, .. } = desk.verify(&args);
    assert_eq!(status, Some(0), "{text}");
    let output = desk.verify(&args[..3]);
    assert_eq!(output.status, Some(3), "nobody vouches for it: {}", output.complaints);
}
