//! Which module imports from which.

use std::{collections::HashMap, fmt::Write, path::PathBuf};

use petgraph::{
    algo::tarjan_scc,
    graph::{DiGraph, NodeIndex},
    visit::EdgeRef,
};

use crate::{crates::Module, references, resolve::Names};

/// A file and a line in it.
type Place = (PathBuf, usize);

/// Modules, and an edge with its first place for each import.
pub(crate) struct Graph(DiGraph<Vec<String>, Place>);

impl Graph {
    pub(crate) fn of(modules: &[Module]) -> Self {
        let names = Names::of(modules);
        let mut graph = DiGraph::new();
        let nodes: HashMap<_, NodeIndex> = modules
            .iter()
            .map(|module| (&module.path, graph.add_node(module.path.clone())))
            .collect();
        for module in modules {
            for reference in references::of_items(&module.items) {
                let Some(to) = names.module_of(&module.path, &reference.segments) else { continue };
                let (from, to) = (nodes[&module.path], nodes[&to]);
                if from != to && !graph.contains_edge(from, to) {
                    graph.add_edge(from, to, (module.file.clone(), reference.line));
                }
            }
        }
        Self(graph)
    }

    /// The circles, each as one text: the imports of modules that reach each other.
    pub(crate) fn circles(&self) -> Vec<String> {
        let circles = tarjan_scc(&self.0).into_iter().filter(|modules| modules.len() > 1);
        circles
            .map(|modules| {
                self.imports(|from, to| modules.contains(&from) && modules.contains(&to))
            })
            .collect()
    }

    /// The imports that point up between floors, which are given from above.
    pub(crate) fn upward(&self, floors: &[&str]) -> String {
        let floor = |module: NodeIndex| {
            let first = self.0[module].first()?;
            floors.iter().position(|floor| floor == first)
        };
        self.imports(
            |from, to| matches!((floor(from), floor(to)), (Some(from), Some(to)) if from > to),
        )
    }

    /// The imports for which a condition holds, a line each.
    fn imports(&self, wanted: impl Fn(NodeIndex, NodeIndex) -> bool) -> String {
        let mut lines = String::new();
        let edges = self.0.edge_references();
        for edge in edges.filter(|edge| wanted(edge.source(), edge.target())) {
            let (file, line) = edge.weight();
            let name = |module: NodeIndex| match self.0[module].join("::") {
                root if root.is_empty() => "the root".to_owned(),
                module => module,
            };
            writeln!(
                lines,
                "  {} imports from {} ({}:{line})",
                name(edge.source()),
                name(edge.target()),
                file.display()
            )
            .expect("a string takes it");
        }
        lines
    }
}
