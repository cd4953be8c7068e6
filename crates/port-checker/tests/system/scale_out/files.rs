//! The files of `deploy/`, judged by those who read them.

use std::{fs, path::Path, process::Command};

use port_checker_testbed::skip;

use super::deployment::{NAMES, environment};
use crate::program::{PORT_CHECKER, port_checker, repository};

#[test]
fn the_service_takes_the_environment_of_each_instance() {
    for name in NAMES {
        let mut command = port_checker(&["serve", "--check-config"], &[]);
        command.envs(environment("checker.env")).envs(environment(&format!("{name}.env")));
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{name}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{name}: no warning");
    }
}

/// HAProxy, Prometheus and the instances find each other and Redis by what stands in their files.
#[test]
fn the_files_agree_on_the_ports() {
    let read = |file: &str| fs::read_to_string(repository(file)).expect(file);
    let (haproxy, prometheus) = (read("deploy/haproxy.cfg"), read("monitoring/prometheus.yaml"));
    let all = environment("checker.env");
    for name in NAMES {
        let own = environment(&format!("{name}.env"));
        let api = format!("{}:{}", all["PORT_CHECKER_HOST"], own["PORT_CHECKER_PORT"]);
        let line = format!("server {name} \"${{CHECKER_{}-{api}}}\"", name.to_uppercase());
        assert!(haproxy.contains(&line), "{line}");
        assert!(prometheus.contains(&format!("{:?}", own["PORT_CHECKER_METRICS_ADDR"])), "{name}");
    }
    let redis =
        all["PORT_CHECKER_REDIS_URL"].strip_prefix("redis://").and_then(|it| it.split_once(':'));
    let (host, port) = redis.expect("a host and a port");
    assert!(read("deploy/redis.conf").contains(&format!("bind {host}\nport {port}\n")));
}

#[test]
fn haproxy_has_nothing_to_complain_about() {
    if !skip::has("haproxy", "-v") {
        return;
    }
    let mut command = Command::new("haproxy");
    let output = command.arg("-c").arg("-f").arg(repository("deploy/haproxy.cfg")).output();
    let output = output.expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !said.contains("WARNING"), "{said}");
}

/// The unit under the name of a template, with the drop-in that makes it one.
#[test]
fn systemd_takes_the_unit_as_a_template() {
    if !skip::has("systemd-analyze", "--version") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let unit = directory.path().join("golem-port-checker@.service");
    let text = fs::read_to_string(repository("golem-port-checker.service")).unwrap();
    fs::write(&unit, text.replace("=port-checker ", &format!("={PORT_CHECKER} "))).unwrap();
    let drop_ins = directory.path().join("golem-port-checker@.service.d");
    let given = repository("deploy").join(drop_ins.file_name().expect("a name"));
    fs::create_dir(&drop_ins).unwrap();
    fs::copy(given.join("instance.conf"), drop_ins.join("instance.conf")).unwrap();
    let one = unit.with_file_name("golem-port-checker@one.service");
    let said = || Command::new("systemd-analyze").arg("verify").arg(&one).output().unwrap();
    let verified = said();
    assert!(verified.status.success() && verified.stderr.is_empty(), "{verified:?}");
    fs::write(drop_ins.join("spoilt.conf"), "[Service]\nEnvironmentfile=x\n").unwrap();
    assert!(!said().stderr.is_empty(), "the drop-ins are looked at");
}

/// Judged by the schema of the Compose specification.
#[test]
fn the_compose_files_keep_to_the_specification() {
    let Some(program) = std::env::var_os("CHECK_JSONSCHEMA") else {
        return skip::missing("CHECK_JSONSCHEMA, the path of its command; see scripts/test");
    };
    let complaints = |file: &Path| {
        let mut command = Command::new(&program);
        command.args(["--builtin-schema", "vendor.compose-spec"]).arg(file);
        let output = command.output().expect("it runs");
        (!output.status.success()).then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let file = repository("deploy/compose.yaml");
    assert_eq!(complaints(&file), None);
    assert_eq!(complaints(&repository("deploy/single.yaml")), None);
    let text = fs::read_to_string(&file).unwrap();
    for named in text.lines().filter_map(|line| line.trim().strip_prefix("- ./")) {
        let (name, _) = named.split_once(':').expect("a file and where it is seen");
        assert!(repository("deploy").join(name).is_file(), "{name}");
    }
    let directory = tempfile::tempdir().unwrap();
    let misspelt = directory.path().join("compose.yaml");
    fs::write(&misspelt, text.replace("network_mode", "network_mod")).unwrap();
    assert!(complaints(&misspelt).is_some_and(|said| said.contains("network_mod")));
}
