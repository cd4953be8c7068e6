//! The routes, and the layers around every one of them.

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderValue, Method, Uri, header},
    middleware,
    response::{IntoResponse, Response},
};
use port_checker_api::ErrorCode;
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowOrigin, CorsLayer},
    set_header::SetResponseHeaderLayer,
};
use utoipa::openapi::{OpenApi, RefOr, Schema};

use crate::{
    admission::deadline::deadline,
    config::{Config, CorsOrigins},
    error::{ApiError, quoted, shortened},
    observe::{access_log::access_log, request_id::REQUEST_ID},
    rate_limit::{RATE_LIMIT, RATE_LIMIT_POLICY},
    routes::{self, own_address::SILENT_PORT_SECONDS, state::AppState},
};

/// Answers are about one caller, one moment or one request, and no cache may give them to another. An answer
/// that may be kept says so itself.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// How long a browser may remember which requests are allowed.
const PREFLIGHT_AGE: Duration = Duration::from_secs(3600);

/// The whole service for one configuration.
pub(crate) fn app(state: AppState) -> Router {
    let (router, document) = routes::documented();
    let document = with_limits(document, &state.config);
    state.metrics.expect_requests(of_checks(&document));
    let mut router = router.merge(routes::undocumented(&document, &state.config));
    if state.config.metrics_address.is_none() {
        router = router.merge(routes::metrics::router());
    }
    with_layers(router, state)
}

/// The routes of checks: those that the limits may refuse.
fn of_checks(document: &OpenApi) -> impl Iterator<Item = &str> {
    let paths = document.paths.paths.iter().filter(|(_, path)| {
        let mut operations = [&path.get, &path.post].into_iter().flatten();
        operations.any(|operation| operation.responses.responses.contains_key("429"))
    });
    paths.map(|(path, _)| path.as_str())
}

/// The routes of [`Config::metrics_address`].
pub(crate) fn metrics_app(state: AppState) -> Router {
    with_layers(routes::metrics::router(), state)
}

/// The OpenAPI 3.1 document of the service with this configuration.
pub fn openapi(config: &Config) -> OpenApi {
    with_limits(routes::documented().1, config)
}

/// Writes the limits of this configuration into the document.
fn with_limits(mut document: OpenApi, config: &Config) -> OpenApi {
    let request = document.components.as_mut().and_then(|c| c.schemas.get_mut("CheckRequest"));
    if let Some(RefOr::T(Schema::Object(request))) = request
        && let Some(RefOr::T(Schema::Array(ports))) = request.properties.get_mut("ports")
    {
        ports.max_items = Some(config.max_ports);
    }
    document
}

/// Outermost first: the log sees every answer, CORS headers and `Cache-Control` are on every answer, and a
/// panic in a handler becomes an answer.
fn with_layers(router: Router<AppState>, state: AppState) -> Router {
    router
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| internal(&*panic)))
        .layer(cors(&state.config.cors_origins))
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, NO_STORE))
        .layer(middleware::from_fn_with_state(Arc::clone(&state.config), deadline))
        .layer(middleware::from_fn_with_state(state.access_log.clone(), access_log))
        .with_state(state)
}

async fn no_such_route(uri: Uri) -> ApiError {
    let message = format!("there is no {}; see /docs", quoted(uri.path()));
    ApiError::new(ErrorCode::NotFound, message)
}

async fn no_such_method(method: Method, uri: Uri) -> ApiError {
    let path = quoted(uri.path());
    let message = format!("{path} does not take {}; see Allow", quoted(method.as_str()));
    ApiError::new(ErrorCode::MethodNotAllowed, message)
}

fn internal(panic: &(dyn Any + Send)) -> Response {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    // It may quote the request.
    let text = shortened(text.unwrap_or("(no text)"));
    tracing::error!(panic = text, "a request panicked: this is a defect");
    ApiError::new(ErrorCode::Internal, "a defect in the checker; its log says more").into_response()
}

fn cors(origins: &CorsOrigins) -> CorsLayer {
    let origins = match origins {
        CorsOrigins::Any => AllowOrigin::any(),
        CorsOrigins::Only(list) => AllowOrigin::list(list.iter().cloned()),
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::ACCEPT, header::CONTENT_TYPE, REQUEST_ID])
        .expose_headers([
            header::RETRY_AFTER,
            RATE_LIMIT,
            RATE_LIMIT_POLICY,
            REQUEST_ID,
            SILENT_PORT_SECONDS,
        ])
        .max_age(PREFLIGHT_AGE)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::{body::Body, extract::Request, routing::get};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::net::caller::Peer;

    #[test]
    fn the_limits_may_refuse_checks_alone() {
        let document = routes::documented().1;
        let checks: Vec<&str> = of_checks(&document).collect();
        assert_eq!(checks, ["/check-ports", "/check-tls", "/port/{port}"]);
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_with_a_request_id() {
        let state = AppState::new(Config::default());
        let routes = Router::new().route("/panics", get(async || -> () { panic!("on purpose") }));
        let mut request = Request::get("/panics").body(Body::empty()).unwrap();
        request.extensions_mut().insert(Peer(SocketAddr::from(([127, 0, 0, 1], 1))));
        let response = with_layers(routes, state).oneshot(request).await.unwrap();
        assert_eq!(response.status(), 500);
        assert!(response.headers().contains_key(REQUEST_ID));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(
            body,
            r#"{"detail":{"code":"INTERNAL","message":"a defect in the checker; its log says more"}}"#
        );
    }
}
