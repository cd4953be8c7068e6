//! The queries in a dashboard and in alert rules.

use saphyr::{LoadableYamlNode, Yaml};
use serde_json::Value;

/// An alert rule.
pub(super) struct Alert {
    pub(super) name: String,
    pub(super) query: String,
    pub(super) severity: String,
    pub(super) summary: String,
    pub(super) description: String,
}

/// The rules of a file for Prometheus.
pub(super) fn alerts(text: &str) -> Vec<Alert> {
    let documents = Yaml::load_from_str(text).expect("YAML");
    let groups = documents[0]["groups"].as_vec().expect("groups");
    let rules = groups.iter().flat_map(|group| group["rules"].as_vec().expect("rules"));
    rules.map(alert).collect()
}

fn alert(rule: &Yaml<'_>) -> Alert {
    let text = |value: &Yaml<'_>| value.as_str().expect("text").trim().to_owned();
    Alert {
        name: text(&rule["alert"]),
        query: text(&rule["expr"]),
        severity: text(&rule["labels"]["severity"]),
        summary: text(&rule["annotations"]["summary"]),
        description: text(&rule["annotations"]["description"]),
    }
}

/// The queries of a dashboard for Grafana, with values for its variables.
pub(super) fn of_dashboard(text: &str) -> Vec<String> {
    let dashboard: Value = serde_json::from_str(text).expect("JSON");
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let panels = list(&dashboard["panels"]).into_iter().filter(|panel| panel["type"] != "row");
    let of_panels = panels.flat_map(|panel| {
        let targets = list(&panel["targets"]);
        assert!(!targets.is_empty(), "{panel}");
        targets.into_iter().map(|target| with_values(target["expr"].as_str().expect("a query")))
    });
    let variables = list(&dashboard["templating"]["list"]);
    let of_variables = variables.iter().filter_map(|it| it["query"]["query"].as_str());
    of_panels.chain(of_variables.map(of_values)).collect()
}

fn with_values(query: &str) -> String {
    query.replace("$instance", ".*").replace("$__rate_interval", "1m")
}

/// Grafana's own `label_values(metric, label)` as PromQL.
fn of_values(variable: &str) -> String {
    let inner = variable.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
    let (metric, label) = inner.and_then(|it| it.split_once(", ")).expect("label_values");
    format!("count by ({label}) ({metric})")
}
