//! Circles that were planted are found, and imports that point down are not called circles.

use std::fs;

use crate::{FLOORS, crates, graph::Graph};

/// The files of a crate, each with its text.
type Files = &'static [(&'static str, &'static str)];

/// The graph of a crate with these files.
fn graph(files: Files) -> Graph {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        let file = directory.path().join(name);
        fs::create_dir_all(file.parent().expect("a directory")).expect("a writable directory");
        fs::write(file, text).expect("a writable directory");
    }
    Graph::of(&crates::of_crate(directory.path()))
}

/// Circles: a name, the files, and imports that are part of it.
const CIRCLES: &[(&str, Files, &[&str])] = &[
    (
        "between siblings",
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "use super::a::A;\npub struct B;"),
        ],
        &["a imports from b", "b imports from a"],
    ),
    (
        "through a third",
        &[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b;"),
            ("b.rs", "use crate::c;"),
            ("c.rs", "fn c() { crate::a::a() }"),
        ],
        &["c imports from a"],
    ),
    (
        "between parent and child",
        &[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod child;\nuse child::Child;\nconst MAX: u8 = 1;"),
            ("a/child.rs", "pub struct Child([u8; super::MAX as usize]);"),
        ],
        &["a imports from a::child", "a::child imports from a"],
    ),
    (
        "with the root",
        &[
            ("main.rs", "mod serve; const FAILURE: u8 = 1; fn main() { serve::serve() }"),
            ("serve.rs", "pub fn serve() { std::process::exit(i32::from(crate::FAILURE)) }"),
        ],
        &["serve imports from the root", "the root imports from serve"],
    ),
    (
        "through a re-export",
        &[
            ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("a.rs", "use crate::B; pub struct A;"),
            ("b.rs", "use crate::A; pub struct B;"),
        ],
        &["a imports from b", "b imports from a"],
    ),
    (
        "through a glob",
        &[
            ("lib.rs", "mod a; mod b; pub use a::*;"),
            ("a.rs", "pub struct A(crate::b::B);"),
            ("b.rs", "use crate::A; pub struct B;"),
        ],
        &["a imports from b", "b imports from a"],
    ),
    (
        "within an attribute",
        &[
            ("lib.rs", "mod a; mod b;"),
            (
                "a.rs",
                "#[cfg_attr(feature = \"x\", schema(with = crate::b::schema))]\npub struct A;",
            ),
            ("b.rs", "use crate::a::A; pub fn schema() {}"),
        ],
        &["a imports from b", "b imports from a"],
    ),
    (
        "within a string of an attribute",
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "pub struct A(#[serde(deserialize_with = \"crate::b::read\")] u8);"),
            ("b.rs", "use crate::a::A; pub fn read() {}"),
        ],
        &["a imports from b", "b imports from a"],
    ),
    (
        "by the name of a module that re-exports",
        &[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::c;\npub fn a() { c::b() }"),
            ("b.rs", "pub fn b() { crate::a::a() }"),
            ("c.rs", "pub use crate::b::b;"),
        ],
        &["a imports from b", "b imports from a"],
    ),
    (
        "within the arguments of a macro",
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "fn a() { println!(\"{}\", crate::b::B) }"),
            ("b.rs", "use crate::a; pub const B: u8 = 1;"),
        ],
        &["a imports from b", "b imports from a"],
    ),
];

#[test]
fn circles_are_found() {
    for (name, files, expected) in CIRCLES {
        let circles = graph(files).circles();
        assert_eq!(circles.len(), 1, "{name}: {circles:?}");
        for import in *expected {
            assert!(circles[0].contains(import), "{name}: {circles:?}");
        }
    }
}

#[test]
fn imports_that_point_down_are_no_circle() {
    let down = graph(&[
        ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
        ("a.rs", "mod child;\nuse child::Child;\nuse crate::B;\npub struct A;"),
        ("a/child.rs", "use std::net::IpAddr;\npub(in crate::a) struct Child;"),
        ("b.rs", "pub struct B;\n#[cfg(test)]\nmod tests { use crate::A; }"),
    ]);
    assert!(down.circles().is_empty(), "{:?}", down.circles());
}

#[test]
fn a_floor_that_imports_from_one_above_is_found() {
    let floors = graph(&[
        ("lib.rs", "mod routes; mod net;"),
        ("routes.rs", "use crate::net::accept;"),
        ("net.rs", "pub mod accept;"),
        ("net/accept.rs", "use crate::routes;"),
    ]);
    let upward = floors.upward(&FLOORS);
    assert!(upward.contains("net::accept imports from routes"), "{upward}");
    assert!(!upward.contains("routes imports from"), "{upward}");
}
