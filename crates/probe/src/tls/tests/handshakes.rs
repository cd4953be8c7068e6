//! Handshakes that come to no certificate.

use port_checker_testbed::{
    certificates::{Authority, Validity},
    ports::{Held, Listening, Refusing, Silent},
};
use socket2::SockRef;

use super::*;

/// The head of a record of TLS 1.2 with a message of a handshake.
fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("it fits a record").to_be_bytes();
    [&[kind, 3, 3], &length[..], body].concat()
}

/// A message of a handshake in records of this size.
fn records(size: usize, message: &[u8]) -> Vec<u8> {
    message.chunks(size).flat_map(|part| record(22, part)).collect()
}

/// The beginning of the longest message that the TLS library accepts, in records of this size.
fn endless(size: usize) -> Vec<u8> {
    const SERVER_HELLO: [u8; 4] = [2, 0, 0xff, 0xfb];
    records(size, &[&SERVER_HELLO, &[0; 0xfff0][..]].concat())
}

/// A HelloRetryRequest with a cookie of 40 000 bytes (RFC 8446, sections 4.1.4 and 4.2.2), in answer to the body of
/// a ClientHello.
fn retry(hello: &[u8]) -> Vec<u8> {
    const COOKIE: u16 = 40_000;
    const RANDOM: [u8; 32] = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8,
        0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8,
        0x33, 0x9c,
    ];
    // Behind the head of the message, the version and the random bytes.
    let session = &hello[38..][..33];
    let version = [0, 43, 0, 2, 3, 4];
    let length = |bytes: u16| bytes.to_be_bytes();
    let cookie = [&[0, 44][..], &length(COOKIE + 2), &length(COOKIE), &[7; COOKIE as usize]];
    let extensions = [&version[..], &cookie.concat()].concat();
    let count = length(u16::try_from(extensions.len()).expect("they fit"));
    let body = [&[3, 3], &RANDOM[..], session, &[0x13, 1, 0], &count, &extensions].concat();
    let head = [&[2, 0][..], &length(u16::try_from(body.len()).expect("it fits"))].concat();
    records(16_000, &[head, body].concat())
}

/// The body of the next record.
fn read_record(peer: &mut Peer) -> Vec<u8> {
    let mut head = [0; 5];
    peer.read_exact(&mut head).unwrap();
    let mut body = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    peer.read_exact(&mut body).unwrap();
    body
}

/// A ServerHello of TLS 1.1 (RFC 4346, section 7.4.1.3).
fn outdated() -> Vec<u8> {
    let hello = [&[2, 0, 0, 38, 3, 2], &[7; 32][..], &[0, 0xc0, 0x13, 0]].concat();
    record(22, &hello)
}

#[tokio::test]
async fn an_answer_that_is_no_handshake_is_told_by_its_kind() {
    use TlsProblem::{Closed, Endless, NotTls, Refused, Reset};
    const UNSAFE: &str = "the server offers no version or cipher that is still safe";
    const DISORDERLY: &str = "the server does not keep to the protocol";
    let closes = listen(|mut peer| {
        // Closing with unread data would reset the connection.
        let _ = peer.read(&mut [0; 4096]);
    });
    let resets = listen(|mut peer| {
        let _ = peer.read(&mut [0; 4096]);
        SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
    });
    let cases = [
        (closes, Closed, "closes"),
        (resets, Reset, "resets"),
        (say(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()), NotTls, "SSH"),
        (say(record(21, &[2, 40])), Refused("the server refused it"), "an alert"),
        (say(outdated()), Refused(UNSAFE), "TLS 1.1"),
        (say(record(22, &[20, 0, 0, 0])), Refused(DISORDERLY), "Finished comes first"),
        (say(endless(16_000)), Endless, "a message that is longer than the library accepts"),
        (say(endless(100)), Endless, "more than a handshake takes"),
    ];
    let prober = trusting(&[&Authority::new().pem]);
    for (server, problem, why) in cases {
        let found = finding(&prober, server, expect("localhost")).await;
        assert_eq!(found, TlsVerdict::Invalid(problem).into(), "{why}");
    }
}

/// The TLS library accepts each message, and has none of the first when the second comes.
#[tokio::test]
async fn more_messages_than_a_handshake_takes_are_endless() {
    let server = listen(|mut peer| {
        let hello = read_record(&mut peer);
        peer.write_all(&retry(&hello)).unwrap();
        let _second_hello = read_record(&mut peer);
        let _ = peer.write_all(&endless(16_000)[..40_000]);
        while peer.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
    });
    let found = finding(&trusting(&[&Authority::new().pem]), server, expect("localhost")).await;
    assert_eq!(found, TlsVerdict::Invalid(TlsProblem::Endless).into());
}

#[tokio::test]
async fn without_a_connection_there_is_no_handshake() {
    let prober = trusting(&[&Authority::new().pem]);
    let refusing = Refusing::on(LOOPBACK);
    let found = finding(&prober, refusing.address(), expect("localhost")).await;
    assert_eq!(found, TlsVerdict::NotConnected(Reason::Refused).into());
    let silent = Silent::on(LOOPBACK);
    let short = Duration::from_millis(100);
    let timed_out = contact(&prober, silent.address(), expect("localhost"), (short, LONG)).await;
    let Ok(TlsContact::Judged(found)) = timed_out else { panic!("{timed_out:?}") };
    assert_eq!(found, TlsVerdict::NotConnected(Reason::TimedOut).into());
    let ended = contact(&prober, silent.address(), expect("localhost"), (LONG, short)).await;
    assert!(matches!(ended, Err(Fault::DeadlinePassed { .. })), "{ended:?}");
}

/// A server that is slow is at fault only if it had all the time that it is due.
#[tokio::test]
async fn silence_is_a_verdict_unless_the_request_ended_first() {
    let short = Duration::from_millis(100);
    let prober = trusting(&[&Authority::new().pem]);
    let timed_out = TlsFinding::from(TlsVerdict::Invalid(TlsProblem::TimedOut));
    for (times, expected) in [
        ((short, LONG), Some(&timed_out)),
        ((short, short), Some(&timed_out)),
        ((LONG, short), None),
    ] {
        let silent = Listening::on(LOOPBACK);
        match contact(&prober, silent.address(), expect("localhost"), times).await {
            Ok(TlsContact::Judged(found)) => assert_eq!(Some(&found), expected, "{times:?}"),
            Err(Fault::DeadlinePassed { unjudged: 1, ports: 1 }) => assert_eq!(expected, None),
            other => panic!("{times:?}: {other:?}"),
        }
    }
}

/// What was decided before the request ended is a verdict, however little time was left.
#[tokio::test]
async fn an_answer_in_a_short_time_is_a_verdict() {
    let authority = Authority::new();
    let prober = trusting(&[&authority.pem]);
    let identity = authority.issue(&["localhost"], Validity::Now);
    let times = (LONG, LONG / 2);
    let contact = contact(&prober, serve(honest(&identity)), expect("localhost"), times).await;
    let TlsContact::Unverified(unverified) = contact.unwrap() else { panic!("a certificate") };
    assert_eq!(unverified.verify().verdict, TlsVerdict::Valid);
}

/// A server that shows its certificate and then falls silent.
#[tokio::test]
async fn a_handshake_that_stops_after_the_certificate_timed_out() {
    let authority = Authority::new();
    let prober = trusting(&[&authority.pem]);
    let identity = authority.issue(&["localhost"], Validity::Now);
    for (times, is_fault) in [((LONG / 120, LONG), false), ((LONG, LONG / 120), true)] {
        let chain = vec![certificate(&identity.certificate)];
        let config = server(chain, &identity.key, &rustls::version::TLS12);
        let stops = listen(move |mut peer| {
            let mut connection = ServerConnection::new(config.into()).unwrap();
            while !connection.wants_write() {
                connection.read_tls(&mut peer).unwrap();
                connection.process_new_packets().unwrap();
            }
            while connection.wants_write() {
                connection.write_tls(&mut peer).unwrap();
            }
            let mut ignored = [0; 4096];
            while peer.read(&mut ignored).is_ok_and(|count| count > 0) {}
        });
        match contact(&prober, stops, expect("localhost"), times).await {
            Ok(TlsContact::Unverified(unverified)) => {
                let found = unverified.verify();
                assert_eq!(found.verdict, TlsVerdict::Invalid(TlsProblem::TimedOut));
                assert!(!is_fault, "{found:?}");
            }
            Err(Fault::DeadlinePassed { .. }) => assert!(is_fault),
            other => panic!("{times:?}: {other:?}"),
        }
    }
}

#[test]
fn verdicts_have_the_names_of_the_metrics() {
    let verdicts = [
        TlsVerdict::Valid,
        TlsVerdict::NotConnected(Reason::Refused),
        TlsVerdict::Invalid(TlsProblem::Expired),
    ];
    let names = verdicts.each_ref().map(TlsVerdict::name);
    assert_eq!(names, TlsVerdict::NAMES);
}

/// Where a system has trust roots, certificates can be judged.
#[test]
fn the_trust_roots_of_the_system_can_be_used() {
    match TlsProber::with_system_roots() {
        Ok(_) => {}
        Err(NoTrustRoots::Missing) => port_checker_testbed::skip::missing("ca-certificates"),
        Err(error) => panic!("{error}"),
    }
}
