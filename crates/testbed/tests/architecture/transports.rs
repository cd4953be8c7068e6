//! The difference between transports is known in two places: its rules in the contract, its probe in the engine.

use port_checker_api::Transport;

use crate::{crates, references};

/// The files that name a transport other than the usual one, by crate and module. The others ask the
/// transport for its rules, so that a further one does not change them.
const NAMED_IN: [&str; 2] = ["api/transport", "probe/prober"];

/// The crates that a request for a check passes through.
const CRATES: [&str; 4] = ["api", "limits", "probe", "server"];

#[test]
fn a_further_transport_is_a_row_of_the_contract_and_a_probe_of_the_engine() {
    let variants = Transport::ALL.iter().filter(|&&transport| transport != Transport::default());
    let variants: Vec<String> = variants.map(|transport| format!("{transport:?}")).collect();
    let all = crates::of_the_workspace();
    let modules =
        CRATES.iter().flat_map(|name| all[*name].iter().map(move |module| (name, module)));
    let naming = modules.filter(|(_, module)| {
        references::of_items(&module.items).iter().any(|reference| {
            // A variant follows its enumeration; what stands alone is another name.
            reference.segments.len() > 1
                && reference.segments.last().is_some_and(|last| variants.contains(last))
        })
    });
    let mut naming: Vec<String> =
        naming.map(|(name, module)| format!("{name}/{}", module.path.join("/"))).collect();
    naming.sort_unstable();
    assert_eq!(naming, NAMED_IN);
}
