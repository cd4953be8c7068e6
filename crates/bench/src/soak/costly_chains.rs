//! Chains of certificates that are costly to verify.

use port_checker_testbed::costly_tls::{Chain, Filling};

const ALONE: Chain =
    Chain { authorities: 0, filling: Filling::Nothing, rsa_bits: None, record: 16_000 };

/// The chains that the servers of a soak show, each with a name.
pub(crate) const CHAINS: [(Chain, &str); 6] = [
    (with(9, Filling::Certificates), "too many certificates"),
    (with(8, Filling::Extensions), "too many ways"),
    (with(4, Filling::Extensions), "the costliest that is verified"),
    (with(1, Filling::Names), "10,000 names"),
    (Chain { rsa_bits: Some(8192), ..ALONE }, "the costliest key"),
    (Chain { record: 1, ..with(4, Filling::Extensions) }, "records of one byte"),
];

const fn with(authorities: u16, filling: Filling) -> Chain {
    Chain { authorities, filling, ..ALONE }
}
