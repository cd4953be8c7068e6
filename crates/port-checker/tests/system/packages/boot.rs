//! The service of the Debian package on a machine that boots.

use std::{fs, path::Path, thread, time::Duration};

use port_checker_testbed::process::wait_until;

use super::{booted::Booted, debian_packages, done, machine::Machine};

/// As `Restart=` and `RestartSec=` of the unit say it.
const RESTART_DELAY: Duration = Duration::from_secs(2);

/// The users that systemd makes for `DynamicUser=`, as systemd.exec(5) says.
const DYNAMIC_USERS: std::ops::RangeInclusive<u32> = 61184..=65519;

/// A machine on which both packages were installed before it was booted, as an image is made.
fn machine() -> Option<Machine> {
    let [command, service] = debian_packages()?;
    let machine = Booted::prepared(&[&command, &service])?;
    done(&mut machine.command(&["sh", "-ec", "dpkg --install /*.deb"]));
    Some(machine)
}

fn write(machine: &Machine, file: &str, text: &str) {
    let path = machine.path(file);
    fs::create_dir_all(path.parent().expect("a directory")).expect("the test's own");
    fs::write(path, text).expect("the test's own");
}

/// When systemd says that the service entered or left a state, on its clock.
fn moment(machine: &Booted, property: &str) -> Duration {
    let property = format!("{property}TimestampMonotonic");
    Duration::from_micros(machine.service(&property).parse().expect("microseconds"))
}

#[test]
fn it_starts_at_boot_comes_back_after_a_crash_and_ends_in_order() {
    let Some(machine) = machine() else { return };
    write(&machine, "etc/golem/port-checker.env", "PORT_CHECKER_ALLOW_LOCAL_IPS=true\n");
    let machine = Booted::boot(machine);
    assert_eq!(machine.service("ActiveState"), "active", "{}", machine.log());
    assert_eq!(machine.service("StatusText"), "Listening on [::]:9000");
    for host in ["127.0.0.1", "[::1]"] {
        let health = machine.run(&format!("curl -s http://{host}:9000/health"));
        assert_eq!(health, r#"{"status":"ok"}"#, "{host}");
    }
    let first = machine.service("MainPID");
    let user = machine.run(&format!("stat --format %u /proc/{first}")).parse().unwrap();
    assert!(DYNAMIC_USERS.contains(&user), "{user}");
    // Whether the kernel enforces it is not tried: it may have no controller of memory to lend.
    assert_eq!(machine.service("MemoryMax"), (4_u64 << 30).to_string());

    machine.run("systemctl reload golem-port-checker");
    let reloaded = "Listening on [::]:9000; there is no certificate to read again";
    machine.wait_for("StatusText", reloaded);
    assert_eq!(machine.service("MainPID"), first, "a reload is no restart");

    machine.run(&format!("kill -s KILL {first}"));
    machine.wait_for("NRestarts", "1");
    machine.wait_for("ActiveState", "active");
    assert_ne!(machine.service("MainPID"), first);
    let gone = moment(&machine, "ActiveEnter") - moment(&machine, "ActiveExit");
    assert!(gone >= RESTART_DELAY, "{gone:?}");

    stop_during_a_check(&machine);
    assert_eq!(machine.service("Result"), "success", "{}", machine.log());
    assert_eq!(machine.service("ExecMainStatus"), "0");
}

/// A closed port takes two seconds; the caller that asked about it is answered before the service ends.
fn stop_during_a_check(machine: &Booted) {
    thread::scope(|scope| {
        let ask = "curl -s 'http://127.0.0.1:9000/port/1'";
        let answer = scope.spawn(|| machine.run(ask));
        let established = "grep -q ' 0100007F:2328 [0-9A-F:]* 01 \\|0100007F:2328 01 ' \
                           /proc/net/tcp /proc/net/tcp6";
        wait_until("the request is sent", || machine.output(established).status.success());
        machine.run("systemctl stop golem-port-checker");
        let answer = answer.join().expect("it was answered");
        assert!(answer.contains("Connection refused"), "{answer}");
    });
    assert!(!machine.output("curl -s http://127.0.0.1:9000/health").status.success());
}

#[test]
fn a_service_that_stands_still_is_restarted() {
    let Some(machine) = machine() else { return };
    let drop_in = "etc/systemd/system/golem-port-checker.service.d/watchdog.conf";
    write(&machine, drop_in, "[Service]\nWatchdogSec=1\n");
    let machine = Booted::boot(machine);
    let first = machine.service("MainPID");
    let begun = moment(&machine, "Watchdog");
    wait_until("it has said for three periods that it runs", || {
        moment(&machine, "Watchdog") > begun + Duration::from_secs(3)
    });
    assert_eq!(machine.service("MainPID"), first, "it says often enough that it runs");
    machine.run(&format!("kill -s STOP {first}"));
    machine.wait_for("NRestarts", "1");
    machine.wait_for("ActiveState", "active");
    assert_ne!(machine.service("MainPID"), first);
    assert!(machine.log().contains("Watchdog timeout"), "{}", machine.log());
}

/// Callers in a loop, four at once, and how many of them were not answered.
const CALLERS: &str = "
for caller in 1 2 3 4; do
    while ! [ -e /run/enough ]; do
        curl -sf -o /dev/null http://127.0.0.1:9000/health && echo answered || echo \"failed: $?\"
    done &
done
wait";

#[test]
fn the_socket_unit_refuses_no_connection_while_the_service_restarts() {
    let Some(machine) = machine() else { return };
    let machine = Booted::boot(machine);
    machine.run(
        "systemctl stop golem-port-checker
         systemctl enable --now golem-port-checker.socket",
    );
    assert_eq!(machine.service("ActiveState"), "inactive", "nobody has come yet");
    assert_eq!(machine.run("curl -s http://[::1]:9000/health"), r#"{"status":"ok"}"#);
    let answers = thread::scope(|scope| {
        let callers = scope.spawn(|| machine.run(CALLERS));
        for _ in 0..3 {
            machine.run("systemctl restart golem-port-checker");
        }
        machine.run("touch /run/enough");
        callers.join().expect("the callers end")
    });
    assert!(!answers.contains("failed"), "{answers}");
    assert!(answers.lines().count() > 10, "{answers}");
}

#[test]
fn a_machine_without_ipv6_serves_ipv4() {
    let Some(machine) = machine() else { return };
    let drop_in = "etc/systemd/system/golem-port-checker.service.d/ipv4.conf";
    let families = "[Service]\nRestrictAddressFamilies=\nRestrictAddressFamilies=AF_INET AF_UNIX\n";
    write(&machine, drop_in, families);
    let machine = Booted::boot(machine);
    assert_eq!(machine.service("StatusText"), "Listening on 0.0.0.0:9000", "{}", machine.log());
    machine.run("port-checker health");
}

#[test]
fn the_command_alone_listens_on_nothing_and_verifies() {
    let Some([command, _]) = debian_packages() else { return };
    let Some(machine) = Booted::prepared(&[&command]) else { return };
    let machine = Booted::boot(machine);
    let sockets = || machine.run("cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6");
    let units = || machine.run("systemctl list-unit-files --plain --no-legend");
    let (sockets_before, units_before) = (sockets(), units());
    let name = Path::new(&command).file_name().unwrap().to_string_lossy();
    machine.run(&format!("apt-get install /{name}"));
    assert_eq!(sockets(), sockets_before);
    assert_eq!(units(), units_before);
    assert_eq!(machine.run("pgrep port-checker || true"), "", "nothing of it runs");
    let report = machine.run("port-checker verify 7466 --local");
    assert!(report.contains("7466  reachable, proven ours"), "{report}");
}

/// The unit of docs/watching.md, which asks the checker of the same machine: with `--local` that is a verdict.
#[test]
fn a_machine_that_watches_itself_writes_its_textfile_and_ends_in_order() {
    const FILE: &str = "/run/port-checker-verify/verify.prom";
    let Some(machine) = machine() else { return };
    write(&machine, "etc/golem/port-checker.env", "PORT_CHECKER_ALLOW_LOCAL_IPS=true\n");
    let unit = include_str!("../../../../../deploy/port-checker-verify.service");
    write(&machine, "etc/systemd/system/port-checker-verify.service", unit);
    let settings =
        "PORTS=7466 50800-50801 --local\nPORT_CHECKER_SERVER=http://127.0.0.1:9000\nEVERY=1s\n";
    write(&machine, "etc/default/port-checker-verify", settings);
    let machine = Booted::boot(machine);
    let show = |property: &str| {
        machine.run(&format!("systemctl show --value --property {property} port-checker-verify"))
    };
    machine.run("systemctl enable --now port-checker-verify");
    wait_until("the file is written", || {
        machine.output(&format!("test -e {FILE}")).status.success()
    });
    // The node exporter runs as another user.
    let read = || machine.run(&format!("setpriv --reuid 65534 --clear-groups cat {FILE}"));
    let first = read();
    let sample = r#"port_checker_verify_reachable{family="ipv4",port="7466",transport="tcp"} 1"#;
    let journal = || machine.run("journalctl --unit port-checker-verify --output cat --no-pager");
    assert!(first.contains(sample), "{first}{}", journal());
    wait_until("a later round", || read() != first);
    assert_eq!((show("ActiveState"), show("NRestarts")), ("active".into(), "0".into()));
    machine.run("systemctl stop port-checker-verify");
    let end = (show("Result"), show("ExecMainStatus"), show("ActiveState"));
    let journal = journal();
    assert_eq!(end, ("success".into(), "143".into(), "inactive".into()), "{journal}");
    assert!(journal.contains("3 of 3 ports"), "{journal}");
    assert!(
        !machine.output(&format!("test -e {FILE}")).status.success(),
        "it goes with the service"
    );

    write_there(&machine, "PORTS=0\nPORT_CHECKER_SERVER=http://127.0.0.1:9000\n");
    machine.run("systemctl start port-checker-verify || true");
    wait_until("it has ended", || show("ActiveState") == "failed");
    assert_eq!((show("ExecMainStatus"), show("NRestarts")), ("2".into(), "0".into()));
}

/// Replaces the settings of the watch on a machine that runs.
fn write_there(machine: &Booted, settings: &str) {
    fs::write(machine.path("etc/default/port-checker-verify"), settings).expect("the test's own");
}
