//! The modules of the workspace's crates, read from their sources.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use syn::{Attribute, Item, ItemMod, Meta};

/// A module: its path from the root of its crate, which is empty, and the items outside of tests.
pub(crate) struct Module {
    pub(crate) path: Vec<String>,
    pub(crate) file: PathBuf,
    pub(crate) items: Vec<Item>,
}

/// The modules of each crate, by the name of its directory.
pub(crate) fn of_the_workspace() -> BTreeMap<String, Vec<Module>> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the directory of crates");
    let directories = fs::read_dir(crates).expect("the crates").flatten();
    directories
        .map(|directory| {
            let name = directory.file_name().to_string_lossy().into_owned();
            (name, of_crate(&directory.path().join("src")))
        })
        .collect()
}

/// The modules of the crate whose sources lie in a directory.
pub(crate) fn of_crate(sources: &Path) -> Vec<Module> {
    let roots = ["lib.rs", "main.rs"].map(|root| sources.join(root));
    let root = roots.into_iter().find(|root| root.exists()).expect("the root of a crate");
    let mut modules = Vec::new();
    read(&root, sources, Vec::new(), &mut modules);
    modules
}

/// Reads a file and those of its modules, which lie in `directory`.
fn read(file: &Path, directory: &Path, path: Vec<String>, modules: &mut Vec<Module>) {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    add(parsed.items, file, directory, path, modules);
}

fn add(
    items: Vec<Item>,
    file: &Path,
    directory: &Path,
    path: Vec<String>,
    modules: &mut Vec<Module>,
) {
    let (children, items): (Vec<_>, Vec<_>) = items
        .into_iter()
        .filter(|item| !is_test(item))
        .partition(|item| matches!(item, Item::Mod(_)));
    modules.push(Module { path: path.clone(), file: file.to_owned(), items });
    for child in children {
        let Item::Mod(ItemMod { ident, content, .. }) = child else { continue };
        let name = ident.to_string();
        let path = [path.clone(), vec![name.clone()]].concat();
        let inside = directory.join(&name);
        match content {
            Some((_, items)) => add(items, file, &inside, path, modules),
            None => {
                let files = [directory.join(format!("{name}.rs")), inside.join("mod.rs")];
                let file = files.iter().find(|file| file.exists()).expect("the module's file");
                read(file, &inside, path, modules);
            }
        }
    }
}

fn is_test(item: &Item) -> bool {
    let attributes: &[Attribute] = match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    };
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}
