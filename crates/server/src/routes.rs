//! One file a route.

pub(crate) mod check_ports;
pub(crate) mod check_request;
pub(crate) mod check_tls;
pub(crate) mod docs;
pub(crate) mod health;
mod judging;
pub(crate) mod metrics;
pub(crate) mod own;
pub(crate) mod page;
mod page_form;
mod page_headers;
mod progress;
mod tls_inquiry;
mod tls_request;
