//! Imports point down: no module imports from one that imports it, directly or through others.
//!
//! Parents and children are no exception: what both need lies in a module below both. Code under
//! `#[cfg(test)]` is free.

mod crates;
mod dependencies;
mod graph;
mod planted;
mod references;
mod resolve;
mod sizes;
mod transports;

use graph::Graph;

/// The floors of the server, from above. A floor imports from those below it only.
const FLOORS: [&str; 5] = ["routes", "checks", "admission", "observe", "net"];

#[test]
fn no_module_of_any_crate_imports_from_one_above_it() {
    let mut circles = String::new();
    for (name, modules) in crates::of_the_workspace() {
        for circle in Graph::of(&modules).circles() {
            circles += &format!("\n{name}:\n{circle}");
        }
    }
    assert!(circles.is_empty(), "modules import each other in a circle:{circles}");
}

#[test]
fn no_floor_of_the_server_imports_from_one_above_it() {
    let modules = crates::of_the_workspace().remove("server").expect("the server");
    assert!(FLOORS.iter().all(|floor| modules.iter().any(|module| module.path == [*floor])));
    let upward = Graph::of(&modules).upward(&FLOORS);
    assert!(upward.is_empty(), "imports that point up:\n{upward}");
}
