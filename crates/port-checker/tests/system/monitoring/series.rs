//! What a service has, and what a query asks for.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::{
    label::Matcher,
    parser::{self, Expr, LabelModifier, VectorSelector},
    util::{ExprVisitor, walk_expr},
};

/// A series, by its name and labels.
pub(super) struct Series {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
}

impl Series {
    /// The series in the text format of Prometheus. Without its value a line is a selector in
    /// PromQL.
    pub(super) fn all(text: &str) -> Vec<Self> {
        let samples = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        samples.map(|line| Self::one(line.rsplit_once(' ').expect("a value").0)).collect()
    }

    fn one(text: &str) -> Self {
        let Ok(Expr::VectorSelector(selector)) = parser::parse(text) else {
            panic!("no series: {text}");
        };
        let labels = selector.matchers.matchers.into_iter();
        let labels = labels.map(|matcher| (matcher.name, matcher.value)).collect();
        Self { name: selector.name.expect("a name"), labels }
    }
}

/// Why a query cannot give anything where these series are known, if so.
pub(super) fn complaint(query: &str, known: &[Series]) -> Option<String> {
    let query = match parser::parse(query) {
        Ok(query) => query,
        Err(error) => return Some(error),
    };
    let mut visitor = Visitor { known, labels: BTreeSet::new() };
    walk_expr(&mut visitor, &query).err()
}

/// Walks from the leaves to the root and gathers the labels of what was selected on the way.
struct Visitor<'a> {
    known: &'a [Series],
    labels: BTreeSet<String>,
}

impl ExprVisitor for Visitor<'_> {
    type Error = String;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, String> {
        match expression {
            Expr::VectorSelector(selector) => self.selects(selector)?,
            Expr::MatrixSelector(selector) => self.selects(&selector.vs)?,
            // What stands beside it does not lend it labels.
            Expr::Aggregate(aggregate) => {
                let mut inside = Visitor { known: self.known, labels: BTreeSet::new() };
                walk_expr(&mut inside, &aggregate.expr)?;
                inside.has(aggregate.modifier.as_ref())?;
                self.labels.append(&mut inside.labels);
            }
            _ => {}
        }
        Ok(true)
    }

    fn post_visit(&mut self, expression: &Expr) -> Result<bool, String> {
        if let Expr::Binary(binary) = expression {
            self.has(binary.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref()))?;
        }
        Ok(true)
    }
}

impl Visitor<'_> {
    fn selects(&mut self, selector: &VectorSelector) -> Result<(), String> {
        let name = selector.name.as_deref().ok_or("a selector without a name")?;
        let mut named = self.known.iter().filter(|one| one.name == name).peekable();
        let first = named.peek().ok_or_else(|| format!("no metric {name}"))?;
        self.labels.extend(first.labels.keys().cloned());
        let matchers = &selector.matchers.matchers;
        for Matcher { name: label, .. } in matchers {
            if !first.labels.contains_key(label) {
                return Err(format!("{name} has no label {label}"));
            }
        }
        let matches = |one: &Series| matchers.iter().all(|it| it.is_match(&one.labels[&it.name]));
        match named.any(matches) {
            true => Ok(()),
            false => Err(format!("no series of {name} matches {}", selector.matchers)),
        }
    }

    fn has(&self, modifier: Option<&LabelModifier>) -> Result<(), String> {
        let wanted = modifier.map(|modifier| modifier.labels().labels.as_slice());
        match wanted.unwrap_or_default().iter().find(|label| !self.labels.contains(*label)) {
            Some(label) => Err(format!("nothing has the label {label} there")),
            None => Ok(()),
        }
    }
}
