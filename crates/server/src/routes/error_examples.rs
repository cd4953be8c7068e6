//! An example for each error code that a route may answer with, in the OpenAPI document.

use port_checker_api::{ErrorBody, ErrorCode, ErrorDetail};
use utoipa::openapi::{
    OpenApi, RefOr, Response,
    example::{Example, ExampleBuilder},
    path::{Operation, PathItem},
};

/// Adds to each response an example for each code that its description names.
pub(super) fn add_to(document: &mut OpenApi) {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let responses = operation.responses.responses.values_mut();
        responses.filter_map(written_here).for_each(add_to_response);
    }
}

/// The operations of a path; this service knows no others.
fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.post].into_iter().flatten()
}

fn add_to_response(response: &mut Response) {
    for content in response.content.values_mut().filter_map(written_here) {
        for code in ErrorCode::ALL {
            if response.description.contains(&format!("`{}`", code.name())) {
                content.examples.insert(code.name().to_owned(), example(*code).into());
            }
        }
    }
}

/// The thing itself, unless it is a reference to another place of the document.
fn written_here<T>(it: &mut RefOr<T>) -> Option<&mut T> {
    match it {
        RefOr::T(it) => Some(it),
        RefOr::Ref(_) => None,
    }
}

fn example(code: ErrorCode) -> Example {
    let detail = ErrorDetail { code: code.into(), message: code.example().to_owned() };
    let body = serde_json::to_value(ErrorBody { detail }).expect("plain data");
    ExampleBuilder::new().value(Some(body)).build()
}
