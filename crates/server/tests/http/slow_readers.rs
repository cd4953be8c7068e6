//! Callers that take their answers slowly or not at all hold bytes, and nothing else.

use std::time::Duration;

use port_checker_testbed::{
    http::{check_ports, metric},
    http2::{self, Http2, INITIAL_WINDOW_SIZE, flag, kind},
    ports::{Held, LOOPBACK, Listening, Silent},
    process::wait_until,
};

use crate::server::Server;

const ATTEMPT: Duration = Duration::from_millis(500);

/// Asks for lines, and lets nothing of them through.
fn ask_and_do_not_read(server: &Server, ports: &[u16]) -> (Http2, u32) {
    let mut client =
        Http2::plain(server.address, &[(INITIAL_WINDOW_SIZE, 0)]).expect("a connection");
    let fields = [("content-type", "application/json"), ("accept", "application/x-ndjson")];
    let stream = client
        .send_head(&http2::head("POST", "/check-ports", &fields), false)
        .expect("it is taken");
    let body = format!(r#"{{"ports":{ports:?}}}"#);
    client.send(kind::DATA, flag::END_STREAM, stream, body.as_bytes()).expect("it is taken");
    (client, stream)
}

/// All bytes that arrive on a stream once they are let through.
fn read_to_the_end(mut client: Http2, stream: u32) -> String {
    let window = (1_u32 << 20).to_be_bytes();
    client.send(kind::WINDOW_UPDATE, 0, stream, &window).expect("it is taken");
    let mut lines = Vec::new();
    loop {
        let frame = client.receive().expect("the answer goes on");
        if (frame.kind, frame.stream) == (kind::DATA, stream) {
            lines.extend(frame.payload);
            if frame.flags & flag::END_STREAM != 0 {
                return String::from_utf8(lines).expect("JSON is UTF-8");
            }
        }
    }
}

#[test]
fn a_check_ends_and_gives_its_sockets_back_though_nobody_reads_the_answer() {
    const READERS: usize = 4;
    let server = Server::start(|config| {
        config.max_in_flight = 40;
        config.probe.timeout = ATTEMPT;
        // Each attempt occupies a socket until its time-out.
        config.probe.delay = ATTEMPT;
        config.deadline = 60 * ATTEMPT;
    });
    let silent: Vec<Silent> = (0..8).map(|_| Silent::on(LOOPBACK)).collect();
    let open = Listening::on(LOOPBACK);
    // The open port's line is the first, and is not let through.
    let ports: Vec<u16> = [open.port()]
        .into_iter()
        .chain(silent.iter().map(Held::port))
        .map(|port| port.get())
        .collect();
    let in_flight = || metric(server.address, "port_checker_probes_in_flight ");
    let readers: Vec<_> = (0..READERS).map(|_| ask_and_do_not_read(&server, &ports)).collect();
    wait_until("the checks are under way", || in_flight() >= 8.0);
    wait_until("they have ended", || in_flight() == 0.0);
    let answer = check_ports(server.address, &format!(r#"{{"ports":{ports:?}}}"#));
    assert_eq!(answer.status, 200, "others have all sockets: {answer:?}");
    for (client, stream) in readers {
        let lines = read_to_the_end(client, stream);
        assert_eq!(lines.lines().count(), ports.len() + 1, "{lines}");
        assert!(lines.ends_with("Successfully verified 1 out of 9 ports\"}\n"), "{lines}");
    }
}
