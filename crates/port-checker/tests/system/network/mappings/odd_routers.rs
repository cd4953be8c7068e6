//! Routers that behave in other ways than `miniupnpd` does: old ones, and those that lie.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use port_checker_testbed::{namespace::Namespace, skip};

use super::lab::Home;

/// Far more than a run needs; then the threads end.
const MAX_REQUESTS: usize = 200;

/// Within this a run ends whose router never answers: it is asked a bounded number of times.
const SILENT_ROUTER_TIMEOUT: Duration = Duration::from_secs(45);

/// The actions so far, such as `AddPortMapping 120`: its lease.
type Log = Arc<Mutex<Vec<String>>>;

/// The answer to the last action of a log: its arguments, or the code of an error; none: it never comes.
type Script = fn(&[String]) -> Option<Result<String, u16>>;

/// Stands for the description that the router was given.
const MARK: &str = "MARK";

fn mapped_to(client: &str, description: &str) -> Option<Result<String, u16>> {
    Some(Ok(format!(
        "<NewInternalClient>{client}</NewInternalClient><NewInternalPort>7466</NewInternalPort>\
         <NewPortMappingDescription>{description}</NewPortMappingDescription>"
    )))
}

/// A device whose table has one entry: by what it says, and by nothing else.
fn start(router: &Namespace, script: Script) -> Log {
    let log = Log::default();
    let (search, control) = router.within(|| {
        let search = UdpSocket::bind("192.168.1.1:1900").expect("a free port");
        (search, TcpListener::bind("192.168.1.1:0").expect("a free port"))
    });
    let location = format!("http://{}/", control.local_addr().expect("it is bound"));
    thread::spawn(move || answer_searches(&search, &location));
    let entries = Arc::clone(&log);
    thread::spawn(move || {
        let (mut unanswered, mut mark) = (Vec::new(), String::new());
        for stream in control.incoming().take(MAX_REQUESTS).flatten() {
            unanswered.extend(answer(stream, &entries, script, &mut mark));
        }
    });
    log
}

fn answer_searches(socket: &UdpSocket, location: &str) {
    for _ in 0..MAX_REQUESTS {
        let Ok((_, peer)) = socket.recv_from(&mut [0; 1500]) else { return };
        let answer = format!("HTTP/1.1 200 OK\r\nLOCATION: {location}\r\n\r\n");
        #[expect(clippy::disallowed_methods, reason = "an answer within the test's network")]
        let _ = socket.send_to(answer.as_bytes(), peer);
    }
}

/// Returns the connection if the answer never comes.
fn answer(stream: TcpStream, log: &Log, script: Script, mark: &mut String) -> Option<TcpStream> {
    let mut reader = BufReader::new(&stream);
    let (mut action, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a request");
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if header.starts_with("soapaction") {
            action = line.trim().trim_end_matches('"').rsplit('#').next().map(str::to_owned);
        }
        if let Some(bytes) = header.strip_prefix("content-length:") {
            length = bytes.trim().parse().expect("a number");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
    let body = String::from_utf8(body).expect("text");
    let answer = match action {
        None => Ok(description()),
        Some(action) => {
            let mut log = log.lock().expect("nobody panics with it");
            let lease = element(&body, "NewLeaseDuration");
            log.push(lease.map_or_else(|| action.clone(), |lease| format!("{action} {lease}")));
            if let Some(description) = element(&body, "NewPortMappingDescription") {
                description.clone_into(mark);
            }
            match script(&log) {
                Some(answer) => answer,
                None => return Some(stream),
            }
        }
    };
    let (status, text) = match answer {
        Ok(text) => (200, format!("<answer>{}</answer>", text.replace(MARK, mark))),
        Err(code) => (500, format!("<answer><errorCode>{code}</errorCode></answer>")),
    };
    let head = format!("HTTP/1.1 {status} Answer\r\nContent-Length: {}\r\n\r\n", text.len());
    let _ = (&stream).write_all((head + &text).as_bytes());
    None
}

fn description() -> String {
    "<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>\
     <controlURL>/control</controlURL></service>"
        .to_owned()
}

fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(&format!("<{name}>")).nth(1)?.split('<').next()
}

/// The actions that change something.
fn changes(log: &Log) -> Vec<String> {
    let log = log.lock().expect("nobody panics with it");
    log.iter().filter(|action| !action.starts_with("Get")).cloned().collect()
}

fn last(log: &[String]) -> &str {
    log.last().expect("the action that is answered")
}

fn is_mapped(log: &[String]) -> bool {
    log.iter().any(|action| action.starts_with("AddPortMapping"))
}

#[test]
fn a_router_that_knows_no_leases_gets_a_mapping_that_is_removed() {
    if !skip::is_root() {
        return;
    }
    // `--keep` cannot be granted there.
    for arguments in ["7466 --map", "7466 --map --keep 60"] {
        let home = Home::without_protocols();
        let log = start(&home.router, |log| match last(log) {
            "GetSpecificPortMappingEntry" if is_mapped(log) => mapped_to("192.168.1.10", MARK),
            "GetSpecificPortMappingEntry" => Some(Err(714)),
            "AddPortMapping 0" | "DeletePortMapping" => Some(Ok(String::new())),
            "AddPortMapping 120" => Some(Err(725)),
            _ => Some(Err(401)),
        });
        let report = home.verify(arguments);
        let words = "Mapped 7466/tcp at the router 192.168.1.1 over UPnP; still not reachable. Removed \
                     again; the router knows only mappings without an end, so it would have stayed if this \
                     program had been killed.";
        assert!(report.flowing().contains(words), "{}", report.text);
        let expected = ["AddPortMapping 120", "AddPortMapping 0", "DeletePortMapping"];
        assert_eq!(changes(&log), expected, "{arguments}");
    }
}

/// It agrees, and then has the mapping of another machine.
#[test]
fn a_mapping_that_became_another_machines_is_not_removed() {
    if !skip::is_root() {
        return;
    }
    let home = Home::without_protocols();
    let log = start(&home.router, |log| match last(log) {
        "GetSpecificPortMappingEntry" if is_mapped(log) => mapped_to("192.168.1.20", MARK),
        "GetSpecificPortMappingEntry" => Some(Err(714)),
        _ => Some(Ok(String::new())),
    });
    let report = home.verify("7466 --map");
    assert_eq!(changes(&log), ["AddPortMapping 120"], "{}", report.text);
    assert_eq!(report.status, Some(1), "{}", report.text);
}

#[test]
fn a_router_that_does_not_tell_whose_a_port_is_is_not_asked_to_map_it() {
    if !skip::is_root() {
        return;
    }
    let home = Home::without_protocols();
    let log = start(&home.router, |_| Some(Err(401)));
    let report = home.verify("7466 --map");
    assert_eq!(changes(&log), [""; 0], "{}", report.text);
    assert!(report.flowing().contains("over UPnP refused it (401)."), "{}", report.text);
}

/// The answer to the mapping is lost: it is removed if it bears the mark of the run.
#[test]
fn a_mapping_that_was_made_without_an_answer_is_removed() {
    if !skip::is_root() {
        return;
    }
    let own: Script = |log| match last(log) {
        "GetSpecificPortMappingEntry" if is_mapped(log) => mapped_to("192.168.1.10", MARK),
        "GetSpecificPortMappingEntry" => Some(Err(714)),
        "AddPortMapping 120" => None,
        _ => Some(Ok(String::new())),
    };
    let of_another_program: Script = |log| match last(log) {
        "GetSpecificPortMappingEntry" if is_mapped(log) => mapped_to("192.168.1.10", "a game"),
        "GetSpecificPortMappingEntry" => Some(Err(714)),
        "AddPortMapping 120" => None,
        _ => Some(Ok(String::new())),
    };
    for (script, removed) in [(own, true), (of_another_program, false)] {
        let home = Home::without_protocols();
        let log = start(&home.router, script);
        let report = home.verify("7466 --map");
        let words = "Not mapped 7466/tcp: the router 192.168.1.1 over UPnP did not answer.";
        assert!(report.flowing().contains(words), "{}", report.text);
        assert_eq!(changes(&log).contains(&"DeletePortMapping".to_owned()), removed);
    }
}

#[test]
fn a_router_that_falls_silent_is_asked_for_a_bounded_time() {
    if !skip::is_root() {
        return;
    }
    let home = Home::without_protocols();
    let log = start(&home.router, |log| match last(log) {
        "GetSpecificPortMappingEntry" if !is_mapped(log) => Some(Err(714)),
        "AddPortMapping 120" => Some(Ok(String::new())),
        _ => None,
    });
    let begun = Instant::now();
    let report = home.verify("7466 --map");
    assert!(begun.elapsed() < SILENT_ROUTER_TIMEOUT, "{:?}", begun.elapsed());
    let text = report.flowing();
    let words = "It could not be removed: the router 192.168.1.1 over UPnP did not answer. It ends by itself \
                 at 20";
    assert!(text.contains(words), "{}", report.text);
    assert_eq!(report.status, Some(1), "{}", report.text);
    let asked = log.lock().expect("nobody panics with it").len();
    assert!(asked < 10, "a bounded number of times: {asked}");
}
