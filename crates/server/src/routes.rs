//! One file a route, and the extractors of requests.

pub(crate) mod accept_header;
pub(crate) mod body;
pub(crate) mod check_ports;
pub(crate) mod check_tls;
pub(crate) mod docs;
mod error_responses;
pub(crate) mod health;
mod json_object;
pub(crate) mod metrics;
pub(crate) mod own_address;
pub(crate) mod page;
pub(crate) mod ports_request;
pub(crate) mod state;
mod tls_request;
