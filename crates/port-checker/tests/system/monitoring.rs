//! What `monitoring/` asks, and whether the service has it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use port_checker_testbed::{
    http::{check_ports, get},
    ports::{Held, LOOPBACK, Listening, Silent},
    process::{Service, free_address},
    redis, skip,
};

use crate::{
    every::textfile_of_a_machine,
    program::{port_checker, repository},
};
use queries::{Alert, alerts, of_dashboard};
use series::{Series, complaint};

mod queries;
mod series;

/// The job that the files name, and an instance of it.
const JOB: &str = "port-checker";
const INSTANCE: &str = "127.0.0.1:9101";

/// The rules about checkers, and those about machines that watch their own ports; their tests are beside them.
const RULES: [&str; 2] = ["alerts", "verify-alerts"];

fn file(name: &str) -> PathBuf {
    repository("monitoring").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn all_alerts() -> Vec<Alert> {
    RULES.iter().flat_map(|rules| alerts(&read(&format!("{rules}.yaml")))).collect()
}

/// The series of a service with Redis that did what a check may lead to, those of a machine that watches its ports,
/// and those that Prometheus adds.
fn series() -> Option<Vec<Series>> {
    let address = free_address();
    let _redis = redis::start(address, &[])?;
    let settings = [
        ("PORT_CHECKER_ALLOW_LOCAL_IPS", "true"),
        ("PORT_CHECK_DEADLINE", "0.1"),
        ("PORT_CHECKER_REDIS_URL", &format!("redis://{address}")),
    ];
    let service = Service::start(&mut port_checker(&["serve"], &settings));
    let (open, silent) = (Listening::on(LOOPBACK), Silent::on(LOOPBACK));
    for (port, status) in [(open.port(), 200), (silent.port(), 503)] {
        let answer = check_ports(service.address, &format!(r#"{{"ports":[{port}]}}"#));
        assert_eq!(answer.status, status, "{answer:?}");
    }
    let text = String::from_utf8(get(service.address, "/metrics").body).expect("text");
    let mut series = Series::all(&text);
    assert!(series.iter().any(|one| one.name == "port_checker_redis_up"), "{text}");
    series.extend(Series::all(&textfile_of_a_machine()));
    series.extend(Series::all("up 1\n"));
    for one in &mut series {
        one.labels.insert("job".to_owned(), JOB.to_owned());
        one.labels.insert("instance".to_owned(), INSTANCE.to_owned());
    }
    Some(series)
}

#[test]
fn the_service_has_every_metric_of_the_dashboard_and_the_alerts() {
    let Some(known) = series() else { return };
    let of_alerts = all_alerts().into_iter().map(|alert| alert.query);
    let of_dashboard = of_dashboard(&read("grafana-dashboard.json"));
    println!("{} queries of the dashboard", of_dashboard.len());
    let wrong: Vec<_> = of_alerts
        .chain(of_dashboard)
        .filter_map(|query| Some(format!("{}: {query}", complaint(&query, &known)?)))
        .collect();
    assert_eq!(wrong, [""; 0]);
    assert!(read("prometheus.yaml").contains(&format!("job_name: {JOB}\n")));
}

/// The test above finds what it is for.
#[test]
fn queries_for_missing_metrics_are_found() {
    let known = "port_checker_faults_total{kind=\"route\"} 0\nport_checker_redis_up 1\n";
    let known = Series::all(known);
    let cases = [
        ("sum by (kind) (rate(port_checker_faults_total[5m]))", None, "as it should be"),
        ("rate(port_checker_fault_total[5m])", Some("port_checker_fault_total"), "a metric"),
        (r#"port_checker_faults_total{knd="route"}"#, Some("knd"), "a label"),
        (r#"port_checker_faults_total{kind=~"rout"}"#, Some("rout"), "a value"),
        ("sum by (knd) (port_checker_faults_total)", Some("knd"), "a label to group by"),
        ("1 - sum by (kind) (port_checker_redis_up)", Some("kind"), "another metric's label"),
        (
            "port_checker_redis_up * on (knd) port_checker_redis_up",
            Some("knd"),
            "a label to match on",
        ),
        ("rate(port_checker_faults_total)", Some("matrix"), "no PromQL"),
    ];
    for (query, word, why) in cases {
        let said = complaint(query, &known);
        match word {
            None => assert_eq!(said, None, "{why}"),
            Some(word) => {
                assert!(said.as_ref().is_some_and(|it| it.contains(word)), "{why}: {said:?}")
            }
        }
    }
}

#[test]
fn promtool_takes_the_rules_and_each_fires_when_it_should() {
    for (args, name) in [
        (["check", "rules"], "alerts.yaml"),
        (["check", "rules"], "verify-alerts.yaml"),
        (["check", "config"], "prometheus.yaml"),
        (["test", "rules"], "alerts.test.yaml"),
        (["test", "rules"], "verify-alerts.test.yaml"),
    ] {
        let Some(output) = promtool(args, &file(name)) else { return };
        assert!(output.status.success(), "{name}: {output:?}");
    }
    let tests: String = RULES.iter().map(|rules| read(&format!("{rules}.test.yaml"))).collect();
    let names: BTreeSet<_> = all_alerts().into_iter().map(|it| it.name).collect();
    let fires = |name: &&String| tests.contains(&format!(r#"alertname="{name}""#));
    assert_eq!(names.iter().filter(fires).count(), names.len(), "of {names:?}");
}

/// Each test of an alert fails without the alert.
#[test]
fn an_alert_that_never_fires_is_found() {
    let directory = tempfile::tempdir().unwrap();
    for rules in RULES {
        let (rules, tests) = (format!("{rules}.yaml"), format!("{rules}.test.yaml"));
        let copy = directory.path().join(&tests);
        fs::copy(file(&tests), &copy).unwrap();
        let text = read(&rules);
        for Alert { name, .. } in alerts(&text) {
            let without = text.replace(&format!("alert: {name}\n"), "alert: Another\n");
            assert_ne!(without, text, "{name}");
            fs::write(directory.path().join(&rules), without).unwrap();
            let Some(output) = promtool(["test", "rules"], &copy) else { return };
            assert!(!output.status.success(), "{name}");
        }
    }
}

#[test]
fn every_alert_names_the_problem_its_severity_and_the_remedy() {
    for alert in all_alerts() {
        let Alert { name, severity, summary, description, .. } = &alert;
        assert!(["critical", "warning"].contains(&severity.as_str()), "{name}: {severity}");
        assert!(!summary.is_empty() && description.len() > summary.len(), "{name}");
    }
}

fn promtool(args: [&str; 2], file: &Path) -> Option<Output> {
    let output = Command::new("promtool").args(args).arg(file).output();
    if output.is_err() {
        skip::missing("promtool; see scripts/test");
    }
    output.ok()
}
