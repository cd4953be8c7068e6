//! The paths that the items of a module name.

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, Item, ItemUse, LitStr, Macro, Meta, Path, UseTree, Visibility,
    spanned::Spanned,
    visit::{self, Visit},
};

/// A path as it is written, with its line.
#[derive(Clone)]
pub(crate) struct Reference {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
}

/// Every path that items name.
pub(crate) fn of_items(items: &[Item]) -> Vec<Reference> {
    let mut paths = Paths::default();
    for item in items {
        paths.visit_item(item);
    }
    paths.0
}

/// The names that a `use` brings into its module, each with the path it stands for. The name of a glob
/// is `*`.
pub(crate) fn imported(item: &ItemUse) -> Vec<(String, Vec<String>)> {
    let mut names = Vec::new();
    flatten(&item.tree, &mut Vec::new(), &mut names);
    names
}

fn flatten(tree: &UseTree, path: &mut Vec<String>, names: &mut Vec<(String, Vec<String>)>) {
    let mut leaf = |segment: &str, name: &str| {
        let mut whole = path.clone();
        whole.extend((segment != "self" || path.is_empty()).then(|| segment.to_owned()));
        let name = if name == "self" { whole.last().cloned() } else { Some(name.to_owned()) };
        names.push((name.unwrap_or_default(), whole));
    };
    match tree {
        UseTree::Name(tree) => leaf(&tree.ident.to_string(), &tree.ident.to_string()),
        UseTree::Rename(tree) => leaf(&tree.ident.to_string(), &tree.rename.to_string()),
        UseTree::Glob(_) => names.push(("*".to_owned(), path.clone())),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, path, names)),
        UseTree::Path(tree) => {
            path.push(tree.ident.to_string());
            flatten(&tree.tree, path, names);
            path.pop();
        }
    }
}

#[derive(Default)]
struct Paths(Vec<Reference>);

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let line = item.span().start().line;
        let paths = imported(item).into_iter();
        self.0.extend(paths.map(|(_, segments)| Reference { segments, line }));
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.0.push(Reference { segments, line: path.span().start().line });
        visit::visit_path(self, path);
    }

    /// Arguments of macros are tokens, not syntax.
    fn visit_macro(&mut self, called: &'ast Macro) {
        self.visit_path(&called.path);
        in_tokens(called.tokens.clone(), &mut self.0);
    }

    /// Attributes name functions; those of serde do so in strings.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            in_tokens(list.tokens.clone(), &mut self.0);
            in_strings(list.tokens.clone(), &mut self.0);
        }
    }

    /// `pub(in path)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

/// The paths that are the whole of a string.
fn in_strings(tokens: TokenStream, found: &mut Vec<Reference>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => in_strings(group.stream(), found),
            TokenTree::Literal(literal) => {
                let line = literal.span().start().line;
                let Ok(text) = syn::parse_str::<LitStr>(&literal.to_string()) else { continue };
                let Ok(path) = text.parse::<Path>() else { continue };
                let segments = path.segments.iter().map(|segment| segment.ident.to_string());
                found.push(Reference { segments: segments.collect(), line });
            }
            _ => {}
        }
    }
}

/// The paths among tokens: identifiers joined by two colons.
fn in_tokens(tokens: TokenStream, found: &mut Vec<Reference>) {
    let (mut segments, mut line, mut colons) = (Vec::<String>::new(), 0, 0);
    for token in tokens {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
            TokenTree::Ident(ident) => {
                if colons != 2 {
                    found.push(Reference { segments: std::mem::take(&mut segments), line });
                }
                (line, colons) = (ident.span().start().line, 0);
                segments.push(ident.to_string());
            }
            other => {
                found.push(Reference { segments: std::mem::take(&mut segments), line });
                colons = 0;
                if let TokenTree::Group(group) = other {
                    in_tokens(group.stream(), found);
                }
            }
        }
    }
    found.push(Reference { segments, line });
}
