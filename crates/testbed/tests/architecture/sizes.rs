//! Files stay short, and panics rare.

use std::{collections::BTreeMap, fs, path::Path};

use syn::{
    ExprMethodCall,
    visit::{self, Visit},
};

use crate::crates::{self, Module};

/// Lines of a production file, tests within it included.
const MAX_FILE_LINES: usize = 300;

/// Crates that only tests and measurements use: to panic is their way to report a failure.
const TEST_CRATES: [&str; 2] = ["bench", "testbed"];

/// Calls of `unwrap` and `expect` outside tests, for 1,000 lines of all other crates.
const MAX_PANICS_PER_1000_LINES: f64 = 5.4;

#[derive(Default)]
struct Panics(usize);

impl<'ast> Visit<'ast> for Panics {
    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        self.0 += usize::from(call.method == "unwrap" || call.method == "expect");
        visit::visit_expr_method_call(self, call);
    }
}

/// The calls of `unwrap` and `expect` of some modules.
fn panics(modules: &[Module]) -> usize {
    let mut panics = Panics::default();
    for item in modules.iter().flat_map(|module| &module.items) {
        panics.visit_item(item);
    }
    panics.0
}

/// The lines of each file of some modules.
fn lines(modules: &[Module]) -> BTreeMap<&Path, usize> {
    let lines =
        |module: &Module| fs::read_to_string(&module.file).expect("a source").lines().count();
    modules.iter().map(|module| (module.file.as_path(), lines(module))).collect()
}

#[test]
fn no_file_is_long_and_few_calls_can_panic() {
    let (mut all_panics, mut all_lines) = (0, 0);
    for (name, modules) in &crates::of_the_workspace() {
        let lines = lines(modules);
        for (file, lines) in &lines {
            assert!(*lines <= MAX_FILE_LINES, "{} has {lines} lines", file.display());
        }
        if TEST_CRATES.contains(&name.as_str()) {
            continue;
        }
        all_lines += lines.values().sum::<usize>();
        all_panics += panics(modules);
    }
    let rate = all_panics as f64 * 1000.0 / all_lines as f64;
    assert!(rate <= MAX_PANICS_PER_1000_LINES, "{all_panics} in {all_lines} lines: {rate:.1}");
}

#[test]
fn panics_of_tests_are_not_counted() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = "fn a() { b().unwrap().expect(\"c\"); }\n#[cfg(test)]\nmod tests { fn d() { e().unwrap() } }";
    fs::write(directory.path().join("lib.rs"), text).expect("a writable directory");
    assert_eq!(panics(&crates::of_crate(directory.path())), 2);
}
