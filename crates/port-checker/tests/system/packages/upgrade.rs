//! From the one package of version 0.2 to the two of today, and from the Python service, while systemd runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{booted::Booted, debian_packages, done};

/// What the package of version 0.2.0 had beside the program: its scripts, units and settings.
const OLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/system/packages/0.2.0");

const VERSION: &str = env!("CARGO_PKG_VERSION");

const SETTINGS: &str = "etc/default/golem-port-checker";

/// Makes of today's package of the command one of version 0.2.0. Its program is today's: what is tried is how
/// dpkg and systemd get from one to the other.
const MAKE: &str = r#"
dpkg-deb --extract "$1" "$2"
mkdir -p "$2/DEBIAN" "$2/etc/default" "$2/lib/systemd/system" "$2/usr/share/doc/golem-port-checker"
mv "$2"/usr/share/doc/port-checker/* "$2/usr/share/doc/golem-port-checker/"
rmdir "$2/usr/share/doc/port-checker"
rm -r "$2/usr/share/lintian"
cp "$3/settings" "$2/etc/default/golem-port-checker"
cp "$3"/golem-port-checker.* "$2/lib/systemd/system/"
sed "s/^Architecture: .*/Architecture: $(dpkg --print-architecture)/" "$3/control" >"$2/DEBIAN/control"
cp "$3/conffiles" "$2/DEBIAN/"
install -m 755 "$3/postinst" "$3/prerm" "$3/postrm" "$2/DEBIAN/"
dpkg-deb --build --root-owner-group -Znone "$2" "$4"
"#;

/// The package of version 0.2.0.
fn old_package(command: &Path, directory: &Path) -> PathBuf {
    let package = directory.join("old_0.2.0-1.deb");
    let mut make = std::process::Command::new("sh");
    make.args(["-ec", MAKE, "make"]).arg(command).arg(directory.join("tree")).arg(OLD);
    done(make.arg(&package));
    package
}

/// What is done with version 0.2 before the upgrade, whether the service then runs, and its status if so.
type Row = (&'static str, &'static str, &'static str);

const ROWS: [Row; 5] = [
    // An untouched file is replaced by the new one, which has both address families.
    ("true", "active", "Listening on [::]:9000"),
    (
        "echo PORT_CHECKER_PORT=9100 >>/etc/default/golem-port-checker
         systemctl restart golem-port-checker",
        "active",
        "Listening on 0.0.0.0:9100",
    ),
    (
        "mkdir -p /etc/golem
         echo PORT_CHECKER_PORT=9200 >/etc/golem/port-checker.env
         systemctl restart golem-port-checker",
        "active",
        "Listening on [::]:9200",
    ),
    ("systemctl disable --now golem-port-checker", "inactive", ""),
    (
        "systemctl stop golem-port-checker
         systemctl enable --now golem-port-checker.socket
         systemctl start golem-port-checker",
        "active",
        "Listening on [::]:9000",
    ),
];

/// Which of the units are enabled, and whether the socket is held.
fn units(machine: &Booted) -> String {
    let (service, socket) = ("golem-port-checker.service", "golem-port-checker.socket");
    let ask = format!("systemctl is-enabled {service} {socket}; systemctl is-active {socket}");
    String::from_utf8_lossy(&machine.output(&format!("set +e; {ask}")).stdout).into_owned()
}

#[test]
fn an_upgrade_from_the_one_package_of_0_2_keeps_settings_and_restarts_what_runs() {
    let Some([command, service]) = debian_packages() else { return };
    let directory = tempfile::tempdir().unwrap();
    let old = old_package(&command, directory.path());
    let Some(machine) = Booted::prepared(&[&old, &command, &service]) else { return };
    let machine = Booted::boot(machine);
    for (before, state, status) in ROWS {
        machine.run(&format!("dpkg --install /old_0.2.0-1.deb\n{before}"));
        let settings = fs::read_to_string(machine.path(SETTINGS)).unwrap();
        let touched = settings.contains("PORT_CHECKER_PORT=9100");
        let (first, units) = (machine.service("MainPID"), units(&machine));
        // Where the settings were changed, it is asked which to keep; this is the answer of those that ask nobody.
        let keep = "--option Dpkg::Options::=--force-confold";
        machine.run(&format!("apt-get install --yes {keep} /*port-checker_{VERSION}*.deb"));
        assert_eq!(machine.service("ActiveState"), state, "{before}: {}", machine.log());
        assert_eq!(machine.service("StatusText"), status, "{before}: {}", machine.log());
        assert_eq!(self::units(&machine), units, "{before}");
        if state == "active" {
            assert_ne!(machine.service("MainPID"), first, "{before}: it was restarted");
            let port = status.rsplit(':').next().unwrap();
            let health = machine.run(&format!("curl -s http://127.0.0.1:{port}/health"));
            assert_eq!(health, r#"{"status":"ok"}"#, "{before}");
        }
        if units.ends_with("\nactive\n") {
            let comes = "systemctl stop golem-port-checker; curl -s http://127.0.0.1:9000/health";
            assert_eq!(machine.run(comes), r#"{"status":"ok"}"#, "the socket is held");
        }
        let now = fs::read_to_string(machine.path(SETTINGS)).unwrap();
        assert_eq!(now == settings, touched, "{before}: {now}");
        assert_eq!(machine.run("systemctl --failed --plain --no-legend"), "", "{before}");
        machine.run("dpkg --purge golem-port-checker port-checker; rm -rf /etc/golem");
    }
}

/// A unit as the Python service's operators wrote it, before that of the package.
const PYTHON_UNIT: &str = "[Unit]
Description=Golem Port Checker Service
After=network.target

[Service]
Type=simple
EnvironmentFile=/etc/golem/port-checker.env
ExecStart=/opt/golem/port-checker
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
";

#[test]
fn the_unit_of_the_python_service_wins_until_it_is_removed_and_its_settings_go_on() {
    let Some([command, service]) = debian_packages() else { return };
    let Some(machine) = Booted::prepared(&[&command, &service]) else { return };
    let write = |file: &str, text: &str| {
        let path = machine.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("etc/systemd/system/golem-port-checker.service", PYTHON_UNIT);
    write("etc/golem/port-checker.env", "PORT_CHECKER_HOST=127.0.0.1\nPORT_CHECKER_PORT=9300\n");
    // What it runs does not matter here: that it goes on running does.
    write("opt/golem/port-checker", "#!/bin/sh\nexec sleep infinity\n");
    let machine = Booted::boot(machine);
    machine.run(
        "chmod +x /opt/golem/port-checker
         systemctl enable --now golem-port-checker",
    );
    let old = machine.service("MainPID");
    let said = machine.run("dpkg --install /*.deb 2>&1");
    assert!(said.contains("/etc/systemd/system/golem-port-checker.service"), "{said}");
    assert_eq!(machine.service("MainPID"), old, "the old service goes on");
    machine.run(
        "systemctl stop golem-port-checker
         rm /etc/systemd/system/golem-port-checker.service
         systemctl daemon-reload
         systemctl enable --now golem-port-checker",
    );
    assert_eq!(machine.service("StatusText"), "Listening on 127.0.0.1:9300");
    assert_eq!(machine.run("curl -s http://127.0.0.1:9300/health"), r#"{"status":"ok"}"#);
    assert!(machine.path("etc/golem/port-checker.env").exists());
}
