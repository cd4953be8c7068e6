//! The timer of the book on a machine that boots: it runs `verify`, and tells what is wrong.

use std::{fs, os::unix::fs::PermissionsExt};

use port_checker_testbed::process::wait_until;

use super::{booted::Booted, debian_packages, done, machine::Machine};
use crate::recipes::{
    daily::{ALERT, ALERT_PATH, UNITS},
    recipe,
};

/// Writes what it is given to be sent into a file, where a machine without mail has no other.
const MAIL: &str = "#!/bin/sh\n{ echo \"$@\"; cat; } >>/sent\n";

/// The checker is on this machine: to ask nobody outside is success here.
const LOCAL: [(&str, &str); 3] = [
    ("https://checker.example", "http://127.0.0.1:9000"),
    ("verify ", "verify --local "),
    ("7466 50800-50899", "7466 50800"),
];

fn machine() -> Option<Machine> {
    let [command, service] = debian_packages()?;
    let machine = Booted::prepared(&[&command, &service])?;
    done(&mut machine.command(&["sh", "-ec", "dpkg --install /*.deb"]));
    let environment = "PORT_CHECKER_ALLOW_LOCAL_IPS=true\nPORT_CHECK_RETRIES=1\n";
    fs::write(machine.path("etc/default/golem-port-checker"), environment).expect("the test's own");
    for unit in UNITS {
        let here = |text: String, (book, here): (&str, &str)| text.replace(book, here);
        let text = LOCAL.into_iter().fold(recipe(unit), here);
        fs::write(machine.path("etc/systemd/system").join(unit), text).expect("the test's own");
    }
    program(&machine, ALERT_PATH, &recipe(ALERT));
    program(&machine, "/usr/local/bin/mail", MAIL);
    Some(machine)
}

fn program(machine: &Machine, path: &str, text: &str) {
    let path = machine.path(path.trim_start_matches('/'));
    fs::write(&path, text).expect("the test's own");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the test's own");
}

/// Takes the port without listening on it.
const HOLD: &str = "perl -MSocket -e '
    socket(my $held, PF_INET6, SOCK_STREAM, 0) or die;
    bind($held, pack_sockaddr_in6(50800, Socket::IN6ADDR_ANY)) or die $!;
    fork or sleep 600' >/dev/null 2>&1";

/// Runs the check; returns the mail that it leads to.
fn mail(machine: &Booted) -> String {
    assert!(!machine.output("systemctl start ports-daily.service").status.success());
    wait_until("the alert has ended", || {
        let state = machine.run(
            "systemctl show --value --property Result,ActiveState,ExecMainCode ports-daily-alert",
        );
        state == "success\n1\ninactive"
    });
    machine.run("cat /sent; rm /sent; systemctl reset-failed")
}

#[test]
fn the_timer_of_the_book_tells_closed_from_no_verdict() {
    let Some(machine) = machine() else { return };
    let machine = Booted::boot(machine);
    machine.run("systemctl enable --now ports-daily.timer");
    let timers = machine.run("systemctl list-timers --no-pager");
    assert!(timers.contains("ports-daily.timer"), "{timers}");

    machine.run("systemctl start ports-daily.service && test ! -e /sent");
    let outcome = machine.run("jq -r .outcome /var/lib/ports-daily/latest.json");
    assert_eq!(outcome, "local_only");

    machine.run(HOLD);
    let closed = mail(&machine);
    let mut lines: Vec<&str> = closed.lines().collect();
    assert!(lines.remove(0).starts_with("-s Ports of "), "{closed}");
    assert!(!lines.is_empty(), "{closed}");
    assert!(lines.iter().all(|line| line.starts_with("50800 over ipv")), "{closed}");

    machine.run("systemctl stop golem-port-checker");
    let unknown = mail(&machine);
    assert!(unknown.contains("No verdict about at least one port"), "{unknown}");
    assert!(!unknown.contains("50800"), "{unknown}");
}
