//! `GET /openapi.json` and `GET /docs`: the API, for programs and for people.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Extension, Router,
    http::header::{CONTENT_TYPE, LOCATION},
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use port_checker_api::ErrorCode;
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use utoipa_swagger_ui::Config as PageConfig;

use crate::{
    error::{ApiError, quoted},
    routes::state::AppState,
};

const DOCUMENT: &str = "/openapi.json";

/// The document before any route is in it.
pub(crate) fn front_page() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Port checker")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Can the Internet reach my ports? Nobody can answer that about themselves, so this \
             service dials back and says, per port, the result.",
        ))
        .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").build()));
    OpenApiBuilder::new().info(info.build()).build()
}

/// The routes that serve `document`. All assets come from the binary, and the page asks no other
/// host for anything.
pub(crate) fn router(document: &OpenApi) -> Router<AppState> {
    let json = document.to_pretty_json().expect("the document is plain data");
    let json = Bytes::from(json);
    let page = PageConfig::from(DOCUMENT).validator_url("none");
    Router::new()
        .route(DOCUMENT, get(async || ([(CONTENT_TYPE, "application/json")], json)))
        .route("/docs", get(async || (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "/docs/")])))
        .route("/docs/", get(async |page| asset("index.html", page)))
        .route("/docs/{*asset}", get(async |uri: Uri, page| asset(file_name(&uri), page)))
        .layer(Extension(Arc::new(page)))
}

/// The part of the path behind `/docs/`, as it was sent: no asset has a name that needs escapes.
fn file_name(uri: &Uri) -> &str {
    uri.path().strip_prefix("/docs/").unwrap_or_default()
}

fn asset(
    name: &str,
    Extension(page): Extension<Arc<PageConfig<'static>>>,
) -> Result<Response, ApiError> {
    match utoipa_swagger_ui::serve(name, page) {
        Ok(Some(file)) => {
            let body = match file.bytes {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => bytes.into(),
            };
            Ok(([(CONTENT_TYPE, file.content_type)], body).into_response())
        }
        Ok(None) => {
            let message = format!("the documentation has no {}", quoted(name));
            Err(ApiError::new(ErrorCode::NotFound, message))
        }
        Err(error) => Err(ApiError::new(ErrorCode::Internal, error.to_string())),
    }
}
