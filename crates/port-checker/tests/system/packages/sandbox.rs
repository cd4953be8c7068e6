//! What a program can do in the sandbox of the service, tried from inside.

use std::fs;

use super::{booted::Booted, debian_packages};

/// Makes of the packaged unit one that runs the attempts, with everything else as it is.
const DROP_IN: &str = "[Service]
Type=oneshot
Restart=no
ExecStart=
ExecStart=/usr/bin/perl /usr/local/sandbox.pl
ExecPaths=/usr/bin/perl /usr/bin/uname
";

/// Attempts, and what must come of them.
const ATTEMPTS: [(&str, &str); 38] = [
    ("an IPv4 socket", "done"),
    ("an IPv6 socket", "done"),
    ("a socket of Unix", "done"),
    ("a netlink socket", "EAFNOSUPPORT"),
    ("a packet socket", "EAFNOSUPPORT"),
    ("a socket of a virtual machine", "EAFNOSUPPORT"),
    ("a raw socket", "EPERM"),
    ("write /etc/new", "EROFS"),
    ("write /usr/new", "EROFS"),
    ("write /var/lib/new", "EROFS"),
    ("write /root/new", "EACCES"),
    ("write /home/new", "EACCES"),
    ("write /run/new", "EACCES"),
    ("write /sys/kernel/new", "EROFS"),
    // A directory that nobody else sees.
    ("write /tmp/new", "done"),
    ("read /etc/shadow", "EACCES"),
    ("read /root/.bashrc", "EACCES"),
    ("read /proc/1/environ", "ENOENT"),
    ("read /proc/meminfo", "ENOENT"),
    ("read /dev/kmsg", "ENOENT"),
    ("read /tmp/of-others", "ENOENT"),
    ("start /usr/bin/sh", "EACCES"),
    ("start /usr/bin/curl", "EACCES"),
    ("start /tmp/brought", "EACCES"),
    ("a user namespace", "EPERM"),
    ("a mount namespace", "EPERM"),
    ("a network namespace", "EPERM"),
    ("become root", "EPERM"),
    ("mount", "EPERM"),
    ("trace systemd", "EPERM"),
    ("reboot", "EPERM"),
    ("give a file away", "EPERM"),
    ("make a file that runs as its owner", "EPERM"),
    ("kill systemd", "EPERM"),
    // CAP_NET_BIND_SERVICE, and no other.
    ("CapEff", "0000000000000400"),
    ("CapBnd", "0000000000000400"),
    ("NoNewPrivs", "1"),
    ("Seccomp", "2"),
];

#[test]
fn the_sandbox_of_the_service_denies_everything_but_the_network() {
    let Some([command, service]) = debian_packages() else { return };
    let Some(machine) = Booted::prepared(&[&command, &service]) else { return };
    let units = machine.path("etc/systemd/system/attempts.service.d");
    fs::create_dir_all(&units).unwrap();
    fs::write(units.join("attempts.conf"), DROP_IN).unwrap();
    fs::write(machine.path("usr/local/sandbox.pl"), include_str!("sandbox.pl")).unwrap();
    let machine = Booted::boot(machine);
    machine.run(
        "dpkg --install /*.deb
         cp /lib/systemd/system/golem-port-checker.service /etc/systemd/system/attempts.service
         touch /tmp/of-others
         systemctl daemon-reload
         systemctl start attempts",
    );
    let printed = machine.run("journalctl --unit attempts --output cat --no-pager");
    let found: Vec<(&str, &str)> = printed
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(attempt, outcome)| (attempt, outcome.trim()))
        .filter(|(attempt, _)| ATTEMPTS.iter().any(|(known, _)| known == attempt))
        .collect();
    for attempt in ATTEMPTS {
        assert!(found.contains(&attempt), "{attempt:?} in {found:#?}\n{printed}");
    }
}
