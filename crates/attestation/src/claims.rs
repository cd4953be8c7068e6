//! The content of a statement.

use port_checker_api::{Challenge, Transport};

use crate::{
    address::Address,
    issuer::Issuer,
    open_ports::OpenPorts,
    text::{Audience, Nonce, TokenId},
    validity::Validity,
    vantage::Vantage,
};

/// The content of a statement: from this place, these ports of this address were open at this time, and their
/// listener sent this challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `iss`: the checker that signs.
    pub issuer: Issuer,
    /// `iat` and `exp`.
    pub validity: Validity,
    /// `jti`: the name of this statement.
    pub id: TokenId,
    /// `aud`: who it is for; left out for everybody.
    pub audience: Option<Audience>,
    /// `nonce`: the value that its reader chose.
    pub nonce: Option<Nonce>,
    /// `ip`: the address that was checked.
    pub address: Address,
    /// `transport`.
    pub transport: Transport,
    /// `open`: the ports that were open and whose challenge matched.
    pub open: OpenPorts,
    /// `challenge`: the line that the listeners sent.
    pub challenge: Challenge,
    /// `vantage`: where the checker stands; left out if its operator does not say.
    pub vantage: Option<Vantage>,
}
