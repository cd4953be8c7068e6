//! The service over real sockets: one server for each test, on another port.

mod attestations;
mod bad_input;
mod checks;
mod drain;
mod http2;
mod limits;
mod overload;
mod own_address;
mod progress;
mod routes;
mod server;
mod slow_clients;
mod slow_readers;
mod supervisor;
mod tls_admission;
mod tls_requests;
mod udp;
