//! What goes wrong in a round does not end the watch.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::{FileTypeExt, symlink},
    process::Command,
    thread,
};

use port_checker_testbed::{ports::unused, process::wait_until};

use super::{
    checker,
    ends::has_ended,
    watch::{Door, TEXTFILE, Watch},
};

#[test]
fn a_checker_that_dies_gives_no_verdict_until_it_is_back() {
    let (service, port) = (checker(0), unused(1)[0]);
    let address = service.address;
    let mut watch = Watch::of(&port.to_string(), address);
    watch.wait_for(TEXTFILE, 1, "port_checker_verify_reachable");
    drop(service);
    watch.wait_for("told", 1, "0>3");
    let last_verdict = watch.sample("last_verdict_timestamp_seconds");
    watch.wait_for_rounds(2);
    assert_eq!(watch.samples("port_checker_verify_reachable"), [""; 0], "no verdict is not closed");
    assert_eq!(watch.sample("status"), 3.0);
    assert_eq!(watch.sample("last_verdict_timestamp_seconds"), last_verdict);
    assert!(watch.sample("last_run_timestamp_seconds") > last_verdict + 1.0);
    let _service = checker(address.port());
    watch.wait_for("told", 1, "3>0");
    assert!(watch.sample("last_verdict_timestamp_seconds") > last_verdict + 1.0);
    let told = watch.file("told");
    let expected = [
        format!("0>3 reachable= unreachable= no_verdict={port} ip="),
        format!("3>0 reachable={port} unreachable= no_verdict= ip=127.0.0.1"),
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
    assert!(watch.running.goes_on());
}

#[test]
fn a_textfile_that_cannot_be_written_is_reported() {
    let (service, port) = (checker(0), unused(1)[0].to_string());
    let url = format!("http://{}", service.address);
    let file = ["--textfile", "later/a.prom"];
    let watch = Watch::start(
        &[&[port.as_str(), "--server", &url, "--local", "--every=1s"], &file[..]].concat(),
    );
    watch.wait_for("err", 2, "port-checker: cannot write later/a.prom: there is no such directory");
    fs::create_dir(watch.directory.path().join("later")).unwrap();
    watch.wait_for("later/a.prom", 1, "port_checker_verify_reachable");
}

/// As root, a rename would put a file in their place.
#[test]
fn directories_and_pipes_are_not_replaced_by_the_textfile() {
    let (service, port) = (checker(0), unused(1)[0].to_string());
    let url = format!("http://{}", service.address);
    let elsewhere = tempfile::tempdir().unwrap();
    let pipe = elsewhere.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is installed").success());
    for path in [".", pipe.to_str().unwrap()] {
        let arguments = [&port, "--server", &url, "--local", "--every=1s", "--textfile", path];
        let watch = Watch::start(&arguments);
        let complaint = format!("port-checker: cannot write {path}: it is not a file");
        watch.wait_for("err", 2, &complaint);
        let left = fs::read_dir(watch.directory.path()).unwrap().count();
        assert_eq!(left, 2, "out and err alone");
    }
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
}

#[test]
fn a_link_is_followed_to_the_textfile() {
    let (service, port) = (checker(0), unused(1)[0].to_string());
    let url = format!("http://{}", service.address);
    let elsewhere = tempfile::tempdir().unwrap();
    let (link, file) = (elsewhere.path().join("link.prom"), elsewhere.path().join("file.prom"));
    fs::write(&file, "").unwrap();
    symlink(&file, &link).unwrap();
    let path = link.to_str().unwrap();
    let arguments = [&port, "--server", &url, "--local", "--every=1s", "--textfile", path];
    let watch = Watch::start(&arguments);
    watch.wait_for_rounds(1);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&file).unwrap().contains("port_checker_verify_status 0"));
}

#[test]
fn a_command_that_hangs_is_ended_and_one_that_fails_is_reported() {
    let (service, door) = (checker(0), Door::new());
    let (url, port) = (format!("http://{}", service.address), door.port.to_string());
    let command = r#"case $PORT_CHECKER_STATUS in
        1) echo said; trap "" TERM; sleep 1000 & echo $$ $! >pids; wait;;
        0) exit 7;;
    esac"#;
    let arguments = ["--server", &url, "--local", "--every=1s", "--exec", command];
    let watch = Watch::start(&[&[port.as_str()], &arguments[..]].concat());
    let ended = "port-checker: the command of --exec was ended: it took longer than 1s";
    watch.wait_for("err", 1, ended);
    let pids = watch.file("pids");
    wait_until("all its processes have ended", || pids.split_whitespace().all(has_ended));
    watch.wait_for_rounds(1);
    door.open();
    watch.wait_for("err", 1, "port-checker: the command of --exec failed: exit status: 7");
    watch.wait_for_rounds(1);
    watch.wait_for("err", 1, "said");
    assert!(!watch.file("out").contains("said"), "its output is on standard error");
}

/// It answers every request with a verdict in words that a shell would run.
fn hostile_checker() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound socket"));
    thread::spawn(move || {
        for mut peer in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 4096];
            let length = peer.read(&mut request).unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let port = request.split("\"ports\":[").nth(1).and_then(|it| it.split(']').next());
            let words = "$(touch seized); `touch seized`\\n; touch seized";
            let body = format!(
                r#"{{"success":false,"message":"{words}","results":
                {{"{}":{{"accessible":false,"error":"{words}"}}}}}}"#,
                port.unwrap_or("1")
            );
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json";
            let _ = write!(peer, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        }
    });
    url
}

#[test]
fn the_words_of_a_checker_do_not_reach_the_shell() {
    let (url, door) = (hostile_checker(), Door::new());
    let port = door.port.to_string();
    let command =
        "env >environment; eval \"echo $PORT_CHECKER_UNREACHABLE $PORT_CHECKER_IP\" >told";
    let arguments = ["--ip=127.0.0.1", "--local", "--json", "--every=1s", "--exec", command];
    let watch = Watch::start(&[&[port.as_str(), "--server", &url], &arguments[..]].concat());
    wait_until("the command is run", || watch.file("told").ends_with('\n'));
    assert_eq!(watch.file("told"), format!("{port} 127.0.0.1\n"));
    assert!(watch.file("out").contains("touch seized"), "the words came: {}", watch.file("out"));
    assert!(!watch.file("environment").contains("touch seized"));
    assert!(!watch.directory.path().join("seized").exists());
}
