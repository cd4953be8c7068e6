//! Which module a path leads to.

use std::collections::{HashMap, HashSet};

use syn::Item;

use crate::{crates::Module, references};

/// Re-exports of re-exports that are followed.
const MAX_REEXPORTS: usize = 8;

/// The modules of a crate and the names each of them imports.
pub(crate) struct Names {
    modules: HashSet<Vec<String>>,
    imported: HashMap<Vec<String>, Vec<(String, Vec<String>)>>,
    defined: HashMap<Vec<String>, HashSet<String>>,
}

impl Names {
    pub(crate) fn of(modules: &[Module]) -> Self {
        let uses = |module: &Module| {
            let items = module.items.iter();
            let uses = items.filter_map(|item| match item {
                Item::Use(item) => Some(references::imported(item)),
                _ => None,
            });
            (module.path.clone(), uses.flatten().collect())
        };
        let defined =
            |module: &Module| (module.path.clone(), module.items.iter().filter_map(name).collect());
        Self {
            modules: modules.iter().map(|module| module.path.clone()).collect(),
            imported: modules.iter().map(uses).collect(),
            defined: modules.iter().map(defined).collect(),
        }
    }

    /// The module in which the thing lies that a path names within a module; none outside of the crate.
    pub(crate) fn module_of(&self, within: &[String], path: &[String]) -> Option<Vec<String>> {
        self.follow(within, path, MAX_REEXPORTS)
    }

    fn follow(&self, within: &[String], path: &[String], left: usize) -> Option<Vec<String>> {
        let mut at = within.to_vec();
        let mut segments = path.iter().peekable();
        let mut relative = false;
        while let Some(segment) = segments.peek() {
            match segment.as_str() {
                "crate" => at.clear(),
                "super" => drop(at.pop()?),
                "self" => {}
                _ => break,
            }
            relative = true;
            segments.next();
        }
        if !relative && !self.is_module(&at, segments.peek()?) {
            return self.imported_module(&at, path, left);
        }
        while let Some(segment) = segments.next() {
            if self.is_module(&at, segment) {
                at.push(segment.clone());
                continue;
            }
            let rest: Vec<String> = segments.cloned().collect();
            return self.item(at, segment, &rest, left);
        }
        Some(at)
    }

    /// The module that a path leads to whose first part was imported into the module `at`.
    fn imported_module(&self, at: &[String], path: &[String], left: usize) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let mut imported = self.imported[at].iter();
        let (_, whole) = imported.find(|(name, _)| name == first && left > 0)?;
        self.follow(at, &[whole, rest].concat(), left - 1)
    }

    /// The module of an item that is named as one of the module `at`.
    fn item(
        &self,
        at: Vec<String>,
        name: &str,
        rest: &[String],
        left: usize,
    ) -> Option<Vec<String>> {
        if self.defined[&at].contains(name) || left == 0 {
            return Some(at);
        }
        let named = self.imported[&at].iter().filter(|(imported, _)| imported == name);
        let by_name = named.map(|(_, path)| [path, rest].concat());
        let globs = self.imported[&at].iter().filter(|(imported, _)| imported == "*");
        let by_glob = globs.map(|(_, path)| [path, &[name.to_owned()][..], rest].concat());
        let mut found = by_name.chain(by_glob).map(|path| self.follow(&at, &path, left - 1));
        found.next().unwrap_or(Some(at.clone()))
    }

    fn is_module(&self, at: &[String], name: &str) -> bool {
        self.modules.contains(&[at, &[name.to_owned()]].concat())
    }
}

fn name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        _ => return None,
    };
    Some(name.to_string())
}
