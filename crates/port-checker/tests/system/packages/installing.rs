//! Every way of installing that the book tells ends in a right check, by the commands of the book.

use std::{
    env,
    ffi::OsString,
    fs,
    path::Path,
    process::{Command, Output},
};

use port_checker_testbed::{process::free_address, skip};

use super::{booted::Booted, debian_packages, done, package, unpack};
use crate::program::repository;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The most commands that a way may need, the check included.
const MAX_COMMANDS: usize = 3;

/// The port that the book verifies.
const PORT: &str = "7466";

/// The commands under a heading of the book, for this machine.
fn commands(heading: &str) -> Vec<String> {
    let book = fs::read_to_string(repository("docs/operating.md")).expect("the book");
    let (_, section) = book.split_once(&format!("### {heading}\n")).expect(heading);
    let (_, block) = section.split_once("```sh\n").expect("commands");
    let (block, _) = block.split_once("```").expect("their end");
    assert!(block.lines().count() <= MAX_COMMANDS, "{heading}: {block}");
    let files = ["port-checker_", "golem-port-checker_", "port-checker-", "golem_port_checker-"];
    for word in
        block.split([' ', '\n', '/']).filter(|word| files.iter().any(|file| word.starts_with(file)))
    {
        assert!(word.contains(VERSION), "{word} is of another version");
    }
    let machine = done(Command::new("uname").arg("-m"));
    let machine =
        if machine.trim() == "aarch64" { ["aarch64", "arm64"] } else { ["x86_64", "amd64"] };
    let block = block.replace("x86_64", machine[0]).replace("amd64", machine[1]);
    block.replace("sudo ", "").lines().map(str::to_owned).collect()
}

fn assert_reachable(report: &str, port: &str) {
    assert!(report.contains(&format!("{port}  reachable, proven ours")), "{report}");
}

/// The report of a command that must have succeeded.
fn report(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_debian_package_of_the_command() {
    let Some([command, _]) = debian_packages() else { return };
    let Some(machine) = Booted::prepared(&[&command]) else { return };
    let machine = Booted::boot(machine);
    assert_reachable(&machine.run(&commands("As Debian packages").join("\n")), PORT);
}

#[test]
fn the_debian_package_of_the_service() {
    let Some([command, service]) = debian_packages() else { return };
    let Some(machine) = Booted::prepared(&[&command, &service]) else { return };
    // The address of the book is none of the Internet.
    let directory = machine.path("etc/golem");
    fs::create_dir_all(&directory).unwrap();
    let allowed = "PORT_CHECKER_ALLOWED_TARGETS=203.0.113.0/24\n";
    fs::write(directory.join("port-checker.env"), allowed).unwrap();
    let machine = Booted::boot(machine);
    machine.add_address("203.0.113.7/32");
    let report = machine.run(&commands("As a Debian service").join("\n"));
    assert!(report.contains("9000  reachable"), "{report}");
}

#[test]
fn the_tarball_is_installed_used_and_removed_again() {
    let Some(tarball) = package("port-checker-", ".tar.gz") else { return };
    let Some(machine) = Booted::prepared(&[&tarball]) else { return };
    let machine = Booted::boot(machine);
    let files = || machine.run("find /usr /etc /lib -newer /usr/bin/env | sort");
    let before = files();
    assert_reachable(&machine.run(&commands("As a tarball").join("\n")), PORT);
    assert_ne!(files(), before);
    let again = format!("/port-checker-{VERSION}-*/install.sh");
    assert!(machine.run(&again).contains("installed /usr/local/bin/port-checker"));
    let removed = machine.run(&format!("{again} uninstall"));
    assert!(removed.contains("removed /usr/local/bin/port-checker"), "{removed}");
    let left = machine.run("find /usr/local -type f");
    assert_eq!(left, "", "files are left");
}

/// How `install.sh` answers where it cannot do what is asked, and how it treats places with blanks.
#[test]
fn the_script_of_the_tarball_says_what_is_wrong() {
    let Some(tarball) = package("port-checker-", ".tar.gz") else { return };
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("a place");
    fs::create_dir(&place).unwrap();
    done(
        Command::new("tar")
            .arg("-xzf")
            .arg(tarball)
            .arg("-C")
            .arg(&place)
            .arg("--strip-components=1"),
    );
    let script = |prefix: &Path, action: &[&str]| {
        let mut command = Command::new("sh");
        command.arg(place.join("install.sh")).args(action).env("PREFIX", prefix);
        command.output().unwrap()
    };
    let prefix = directory.path().join("my files");
    let said = report(&script(&prefix, &[]));
    assert!(
        said.contains(&format!("note: {} is not in PATH", prefix.join("bin").display())),
        "{said}"
    );
    let version = done(Command::new(prefix.join("bin/port-checker")).arg("--version"));
    assert!(version.starts_with(&format!("port-checker {VERSION}")), "{version}");
    let licences = prefix.join("share/doc/port-checker/third-party.txt");
    assert!(fs::read_to_string(licences).unwrap().contains("ring "));
    report(&script(&prefix, &["uninstall"]));
    assert!(!prefix.join("share/doc/port-checker").exists());
    // A second time there is nothing to remove.
    assert_eq!(report(&script(&prefix, &["uninstall"])), "");
    let not_a_directory = place.join("install.sh");
    for (prefix, action, status, complaint) in [
        (Path::new("relative"), &[][..], 1, "must begin with a slash"),
        (&not_a_directory, &[], 1, "cannot create"),
        (&prefix, &["remove"], 2, "Usage"),
        (&prefix, &["install", "uninstall"], 1, "one action at most"),
    ] {
        let output = script(prefix, action);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{prefix:?} {action:?}: {said}");
        assert!(said.contains(complaint), "{prefix:?} {action:?}: {said}");
    }
    fs::write(place.join("port-checker"), "no program").unwrap();
    let output = script(&prefix, &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("does not run here"), "{said}");
    assert!(!prefix.join("bin/port-checker").exists());
}

/// Runs commands of the book in a shell that finds programs in `programs` first, on a port that is free.
fn in_a_shell(commands: &[String], programs: &Path) {
    let port = free_address().port().to_string();
    let mut path = OsString::from(programs);
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    let script = commands.join("\n").replace(PORT, &port);
    let output =
        Command::new("sh").args(["-ec", &script]).env("PATH", path).output().expect("sh starts");
    assert_reachable(&report(&output), &port);
}

#[test]
fn the_wheel() {
    let Some(wheel) = package("golem_port_checker-", ".whl") else { return };
    let directory = tempfile::tempdir().unwrap();
    done(Command::new("python3").args(["-m", "venv"]).arg(directory.path()));
    let mut commands = commands("As a Python wheel");
    // That of the book is a release's, for an older C library.
    commands[0] =
        format!("pip install --disable-pip-version-check --no-index '{}' >&2", wheel.display());
    in_a_shell(&commands, &directory.path().join("bin"));
}

#[test]
fn cargo_install() {
    let Some(program) = env::var_os("INSTALLED") else {
        return skip::missing("INSTALLED, what cargo install installed; see scripts/test");
    };
    let commands = commands("With cargo");
    assert_eq!(commands[0], "cargo install --locked --path crates/port-checker");
    let programs = Path::new(&program).parent().expect("a directory");
    in_a_shell(&commands[1..], programs);
}

#[test]
fn the_image() {
    let Some(image) = package("golem-port-checker-", ".tar") else { return };
    if !skip::is_root() {
        return;
    }
    let commands = commands("As a container");
    let name = image.file_name().unwrap().to_string_lossy();
    assert_eq!(commands[0], format!("podman load -i {name}"));
    let run = format!("podman run --rm --network host golem-port-checker:{VERSION} ");
    let arguments = commands[1].strip_prefix(&run).expect("it runs the image");
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    unpack(&image, &directory.path().join("image"), &root);
    let port = free_address().port().to_string();
    let arguments = arguments.replace(PORT, &port);
    let mut command = Command::new("chroot");
    command.arg("--userspec=65532:65532").arg(&root).arg("/port-checker");
    let output = command.args(arguments.split(' ')).output().unwrap();
    assert_reachable(&report(&output), &port);
}
