//! What `scripts/package` built, installed and run.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use port_checker_testbed::{
    http::check_ports,
    process::{Service, free_address, wait_until},
    skip,
};
use serde_json::Value;

use crate::program::configure;

mod boot;
mod booted;
mod contents;
mod daily;
mod debian;
mod installing;
mod machine;
mod sandbox;
mod upgrade;

/// The file in the directory of packages whose name begins and ends so.
fn package(beginning: &str, ending: &str) -> Option<PathBuf> {
    let Some(directory) = env::var_os("PACKAGES") else {
        skip::missing("PACKAGES, where scripts/package put them; see scripts/test");
        return None;
    };
    let files = fs::read_dir(&directory).expect("the packages").flatten();
    let mut files = files.map(|file| file.path());
    let found = files.find(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(beginning) && name.ends_with(ending)
    });
    Some(found.unwrap_or_else(|| panic!("no {beginning}…{ending} in {}", directory.display())))
}

/// The Debian packages, that of the command and that of the service.
fn debian_packages() -> Option<[PathBuf; 2]> {
    Some([package("port-checker_", ".deb")?, package("golem-port-checker_", ".deb")?])
}

/// Runs a command that must succeed; returns what it printed.
fn done(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Starts the service with a command, has it check its own port, and stops it.
fn answers_a_check(command: &mut Command) {
    configure(command, &[("PORT_CHECKER_ALLOW_LOCAL_IPS", "true")]);
    let service = Service::start(command);
    let port = service.address.port();
    let answer = check_ports(service.address, &format!(r#"{{"ports":[{port}]}}"#));
    assert_eq!(answer.json()["results"][port.to_string()]["accessible"], true, "{answer:?}");
    assert_eq!(service.finish().0.code(), Some(0));
}

#[test]
fn the_program_that_cargo_installs_answers() {
    let Some(program) = env::var_os("INSTALLED") else {
        return skip::missing("INSTALLED, what cargo install installed; see scripts/test");
    };
    answers_a_check(Command::new(program).arg("serve"));
}

/// pip may choose between both, and must choose ours.
#[test]
fn the_wheel_takes_the_place_of_the_python_service() {
    let Some(wheel) = package("golem_port_checker-", ".whl") else { return };
    let Some(pythons) = env::var_os("PYTHON_WHEEL") else {
        return skip::missing(
            "PYTHON_WHEEL, where that of the Python service is; see scripts/test",
        );
    };
    let directory = tempfile::tempdir().unwrap();
    done(Command::new("python3").args(["-m", "venv"]).arg(directory.path()));
    let pip = |args: &[&str]| {
        let mut pip = Command::new(directory.path().join("bin/pip"));
        pip.args(args).args(["golem-port-checker", "--disable-pip-version-check"]);
        pip
    };
    let install = |args: &[&str]| {
        let mut install = pip(&["install", "--no-index", "--no-deps"]);
        install.args(args).arg("--find-links").arg(&pythons);
        install
    };
    done(&mut install(&[]));
    assert!(done(&mut pip(&["show"])).contains("Version: 0.1.25"));
    done(install(&["--upgrade"]).arg("--find-links").arg(wheel.parent().unwrap()));
    let version = format!("Version: {}", env!("CARGO_PKG_VERSION"));
    assert!(done(&mut pip(&["show"])).contains(&version));
    answers_a_check(Command::new(directory.path().join("bin/port-checker")).arg("serve"));
}

/// There is nothing in the image but the program, so that it runs wherever it is unpacked.
#[test]
fn the_image_runs_as_nobody_without_anything_around_it() {
    let Some(image) = package("golem-port-checker-", ".tar") else { return };
    if !skip::is_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    let config = unpack(&image, &directory.path().join("image"), &root);
    let words = |name: &str| {
        let words: Vec<String> = serde_json::from_value(config[name].clone()).unwrap();
        words
    };
    let user = config["User"].as_str().unwrap();
    assert_eq!(user, "65532:65532");
    let chroot = |words: &[String]| {
        let mut command = Command::new("chroot");
        command.arg(format!("--userspec={user}")).arg(&root).args(words);
        command
    };
    let serve = [words("Entrypoint"), words("Cmd")].concat();
    answers_a_check(&mut chroot(&serve));
    let port = free_address().port().to_string();
    let health: Vec<String> =
        serde_json::from_value(config["Healthcheck"]["Test"].clone()).unwrap();
    assert_eq!(health[0], "CMD", "there is no shell: {health:?}");
    let healthy = || {
        let mut command = chroot(&health[1..]);
        configure(&mut command, &[("PORT_CHECKER_PORT", &port)]);
        command.output().unwrap().status.success()
    };
    assert!(!healthy(), "nothing listens yet");
    let mut serving = chroot(&serve);
    configure(&mut serving, &[("PORT_CHECKER_PORT", &port)]);
    let _service = Service::start(&mut serving);
    wait_until("it is healthy", healthy);
}

/// Unpacks an image in the format of Docker into `root`; returns how it is to be run.
fn unpack(image: &Path, directory: &Path, root: &Path) -> Value {
    let extract = |archive: &Path, into: &Path| {
        fs::create_dir_all(into).expect("a directory of the test's own");
        done(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(into));
    };
    let read = |name: &str| -> Value {
        let text = fs::read(directory.join(name)).expect("a part of the image");
        serde_json::from_slice(&text).expect("JSON")
    };
    extract(image, directory);
    let manifest = read("manifest.json");
    for layer in manifest[0]["Layers"].as_array().expect("layers") {
        extract(&directory.join(layer.as_str().expect("a name")), root);
    }
    read(manifest[0]["Config"].as_str().expect("a name"))["config"].clone()
}
