//! One file a route, and the extractors of requests.

mod accept_header;
mod body;
mod check_body;
mod check_ports;
mod check_tls;
mod docs;
mod error_examples;
mod error_responses;
mod health;
mod json_object;
mod key_set;
pub(crate) mod metrics;
pub(crate) mod own_address;
mod page;
mod page_form;
mod page_headers;
pub(crate) mod ports_request;
pub(crate) mod state;
mod tls_request;
mod udp_words;

use axum::{Router, routing::get};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::config::Config;
use state::AppState;

/// The routes of the API, and the document that describes them.
pub(crate) fn documented() -> (Router<AppState>, OpenApi) {
    let (routes, mut document) = OpenApiRouter::with_openapi(docs::front_page())
        .routes(routes!(check_ports::check_ports))
        .routes(routes!(check_tls::check_tls))
        .routes(routes!(own_address::ip))
        .routes(routes!(own_address::port))
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .routes(routes!(key_set::key_set))
        .split_for_parts();
    error_examples::add_to(&mut document);
    // As in the port lists of the command; the answer says what to do instead.
    let routes = routes.route("/port/{port}/{transport}", get(own_address::port));
    (routes, document)
}

/// The routes of people: the documentation of `document`, and the page.
pub(crate) fn undocumented(document: &OpenApi, config: &Config) -> Router<AppState> {
    docs::router(document).merge(page::router(config))
}
