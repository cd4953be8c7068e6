//! The file of `--attest`: the signed statements of a verification.

use std::{collections::BTreeSet, path::Path};

use port_checker_client::{CheckerFacts, Diagnosis};

use crate::file_replacement::{reason, replace};

/// For everybody to read: a statement is to be shown.
const MODE: u32 = 0o644;

/// Keeps the statements; a sentence for the report.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn keep(diagnosis: &Diagnosis, path: &Path) -> Result<String, String> {
    let checkers = || diagnosis.families.iter().flat_map(|family| &family.checkers);
    let urls = |checkers: &mut dyn Iterator<Item = &CheckerFacts>| {
        checkers.map(|checker| checker.url.clone()).collect::<BTreeSet<_>>().len()
    };
    let all = urls(&mut checkers());
    let signed = urls(&mut checkers().filter(|checker| !checker.attestations.is_empty()));
    let tokens = checkers().flat_map(|checker| &checker.attestations);
    let lines: String = tokens.map(|it| format!("{}\n", it.token)).collect();
    let shown = path.display();
    let noun = if all == 1 { "checker" } else { "checkers" };
    if lines.is_empty() {
        return Ok(format!("No statement of {all} {noun}; {shown} is as it was."));
    }
    replace(path, lines.as_bytes(), MODE)
        .map_err(|error| format!("cannot write {shown}: {}", reason(&error)))?;
    let count = lines.lines().count();
    let statements = if count == 1 { "statement" } else { "statements" };
    Ok(format!("{count} signed {statements} of {signed} of {all} {noun}, kept in {shown}."))
}
