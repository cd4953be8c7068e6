//! How the service ends.

use port_checker_testbed::{
    http::{ask_and_not_read, begin_check, connect, read_answer},
    ports::{Held, Silent},
    process::Service,
};

use crate::program::port_checker;

#[test]
fn a_signal_ends_the_service_with_success() {
    for signal in ["TERM", "INT"] {
        let service = Service::start(&mut port_checker(&["serve"], &[]));
        service.signal(signal);
        assert_eq!(service.exit_status().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_check_under_way_is_answered_first() {
    let settings = [
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ("PORT_CHECK_TIMEOUT", "0.3"),
        ("PORT_CHECK_RETRIES", "1"),
    ];
    let service = Service::start(&mut port_checker(&["serve"], &settings));
    let silent = Silent::on("127.0.0.1".parse().unwrap());
    let mut client = begin_check(service.address, &format!(r#"{{"ports":[{}]}}"#, silent.port()));
    service.signal("TERM");
    let answer = read_answer(&mut client);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(service.exit_status().code(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let settings = [
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ("PORT_CHECK_TIMEOUT", "60"),
        ("PORT_CHECK_DEADLINE", "600"),
    ];
    let mut service = Service::start(&mut port_checker(&["serve"], &settings));
    let silent = Silent::on("127.0.0.1".parse().unwrap());
    let _client = begin_check(service.address, &format!(r#"{{"ports":[{}]}}"#, silent.port()));
    service.signal("INT");
    service.wait_for_line("shutting down");
    service.signal("INT");
    assert_eq!(service.exit_status().code(), Some(1));
}

#[test]
fn a_request_that_does_not_end_in_time_is_cut_off_with_a_warning() {
    let settings = [("PORT_CHECK_DEADLINE", "0.1"), ("PORT_CHECK_TIMEOUT", "0.1")];
    let mut service = Service::start(&mut port_checker(&["serve"], &settings));
    let _client = ask_and_not_read(service.address);
    let _idle = connect(service.address);
    service.signal("TERM");
    let warning = service.wait_for_line("cutting off");
    assert!(warning.contains("WARN") && warning.contains("connections=1"), "{warning}");
    assert_eq!(service.exit_status().code(), Some(0));
}
