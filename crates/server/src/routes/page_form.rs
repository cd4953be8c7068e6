//! `GET /check?ports=…`: the target of the page's form in a browser without JavaScript.

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::{
    Router,
    extract::{FromRequestParts, State},
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{
            CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERER, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS,
        },
        request::Parts,
    },
    response::{IntoResponse, Response},
    routing::get,
};
use port_checker_api::{ErrorCode, Port, PortRanges};
use port_checker_probe::{Finding, Probe, Verdict};
use url::{Url, form_urlencoded};

use super::{
    body::out_of_memory,
    check_ports::PORT_BYTES,
    page_headers::{POLICY, REFERRERS},
    state::AppState,
    udp_words,
};
use crate::{
    admission::context::RequestContext,
    checks::ports::PortsCheck,
    error::{ApiError, Failure, quoted},
    net::answer::MemoryCharge,
    rate_limit::RateLimitHeaders,
};

/// The length of the longest escape of one byte within a page, in bytes: `&quot;`.
const MAX_ESCAPED_BYTES: usize = 6;

/// The route; `template` is the page around an answer.
pub(super) fn router(template: String) -> Router<AppState> {
    let template: Arc<str> = template.into();
    let answer = async move |State(state): State<AppState>,
                             context: RequestContext,
                             own: OwnForm,
                             uri: Uri| {
        let ports = asked(&uri);
        // The list may be as long as a head.
        drop(uri);
        let form = Form { template, ports };
        form.answer(&state, &context, own).await
    };
    Router::new().route("/check", get(answer))
}

/// Whether a form of this service sent the request. A link on another page, an address that was typed and an
/// image in another page are not it: they get the form filled in, and nothing is checked.
struct OwnForm(bool);

impl<S: Sync> FromRequestParts<S> for OwnForm {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let authority = parts.uri.authority().map(|authority| authority.as_str());
        Ok(Self(is_own(&parts.headers, authority)))
    }
}

/// `authority` is where the request went, if not `Host` says it.
fn is_own(headers: &HeaderMap, authority: Option<&str>) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let host = authority.or_else(|| headers.get(HOST)?.to_str().ok());
    let page = headers.get(REFERER).and_then(|referer| referer.to_str().ok());
    let page = page.and_then(|page| Url::parse(page).ok());
    match (page, host) {
        (Some(page), Some(host)) => page.authority().eq_ignore_ascii_case(host),
        _ => false,
    }
}

/// The text in the field of the form.
fn asked(uri: &Uri) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "ports").map(|(_, value)| value.into_owned())
}

/// A form that was sent, and the page to answer it with.
struct Form {
    template: Arc<str>,
    ports: Option<String>,
}

impl Form {
    async fn answer(
        self,
        state: &AppState,
        context: &RequestContext,
        OwnForm(own): OwnForm,
    ) -> Response {
        let Some(text) = self.ports.as_deref().filter(|_| own) else {
            let words = "<p>Press Check to have these ports checked at your own address.</p>";
            return self.page(StatusCode::OK.into_response(), "Check these ports?", words);
        };
        let ports = match parse(text, state.config.max_ports) {
            Ok(ports) => ports,
            Err(error) => return self.refused(error),
        };
        let bytes = text.len() * MAX_ESCAPED_BYTES + ports.len() * PORT_BYTES;
        let Some(share) = state.memory.take(context.caller, bytes) else {
            return self.refused(out_of_memory(&state.memory, &state.config.bounds));
        };
        let answer = self.judged(state, context, ports).await;
        (MemoryCharge::extension(share), answer).into_response()
    }

    /// The page about ports that can be asked about.
    async fn judged(
        &self,
        state: &AppState,
        context: &RequestContext,
        ports: Vec<Port>,
    ) -> Response {
        match check(state, context, ports).await {
            Ok((quota, findings)) => {
                let open =
                    findings.iter().filter(|finding| finding.verdict == Verdict::Open).count();
                let plural = if findings.len() == 1 { "" } else { "s" };
                let title = format!("{open} of {} port{plural} open", findings.len());
                let response = (quota, StatusCode::OK).into_response();
                self.page(response, &title, &table(context.caller, &findings))
            }
            Err(error) => self.refused(error),
        }
    }

    /// The page about an answer that is not a success.
    fn refused(&self, error: ApiError) -> Response {
        let response = error.into_response();
        let failure = response.extensions().get::<Failure>();
        let message = failure.map(|failure| escaped(&failure.message)).unwrap_or_default();
        let wait = response.headers().get("retry-after").and_then(|wait| wait.to_str().ok());
        let wait = wait.map(|wait| format!(" Try again in {wait} s.")).unwrap_or_default();
        self.page(response, "Not checked", &format!("<p>{message}.{wait}</p>"))
    }

    /// Status and headers of `response`, with a page as its body.
    fn page(&self, response: Response, title: &str, content: &str) -> Response {
        let ports = escaped(self.ports.as_deref().unwrap_or_default());
        let page =
            fill(&self.template, &[("title", title), ("content", content), ("ports", &ports)]);
        let (mut parts, _) = response.into_parts();
        for (name, value) in [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (REFERRER_POLICY, REFERRERS),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ] {
            parts.headers.insert(name, HeaderValue::from_static(value));
        }
        (parts, page).into_response()
    }
}

/// `{name}` in a template becomes its value, in one pass: no value is taken for a template.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    for (index, part) in template.split('{').enumerate() {
        let value = part.split_once('}').and_then(|(name, rest)| {
            values.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value, rest))
        });
        match value {
            Some((value, rest)) if index > 0 => filled.extend([value, rest]),
            _ => filled.extend([if index > 0 { "{" } else { "" }, part]),
        }
    }
    filled
}

/// The ports of a list in which blanks may stand for commas.
fn parse(text: &str, max_ports: usize) -> Result<Vec<Port>, ApiError> {
    let text = text.replace('–', "-").replace(" -", "-").replace("- ", "-");
    let parts: Vec<&str> =
        text.split([',', ';', ' ', '\t']).filter(|part| !part.is_empty()).collect();
    let ranges: PortRanges = parts.join(",").parse().map_err(|_| {
        let message = udp_words::advice(&text).unwrap_or_else(|| {
            format!(
                "the list of ports is {}; expected ports and ranges such as 7466, 50800-50899",
                quoted(&text)
            )
        });
        ApiError::new(ErrorCode::InvalidPort, message)
    })?;
    let ports: Vec<Port> = ranges.iter().take(max_ports + 1).collect();
    if ports.len() > max_ports {
        let message =
            format!("more ports asked for than are checked at once, which is {max_ports}");
        return Err(ApiError::new(ErrorCode::TooManyPorts, message));
    }
    Ok(ports)
}

/// Every finding, in the order asked.
async fn check(
    state: &AppState,
    context: &RequestContext,
    ports: Vec<Port>,
) -> Result<(RateLimitHeaders, Vec<Finding>), ApiError> {
    let probe = Probe::Tcp { challenge: None };
    let admission = &state.admission;
    let admitted = admission.admit_address(context, context.caller, ports, &probe).await?;
    let quota = admitted.quota.clone();
    let outcome = PortsCheck::begin(&state.checker, admitted, probe).outcome().await;
    match outcome.fault {
        Some(fault) => Err(fault.into()),
        None => Ok((quota, outcome.verdicts)),
    }
}

/// The findings by verdict, those that were reached first.
fn table(caller: IpAddr, findings: &[Finding]) -> String {
    let mut groups: Vec<(Verdict, Vec<Port>)> = Vec::new();
    for Finding { verdict, port, .. } in findings {
        match groups.iter_mut().find(|(other, _)| other == verdict) {
            Some((_, ports)) => ports.push(*port),
            None => groups.push((*verdict, vec![*port])),
        }
    }
    groups.sort_by_key(|(verdict, _)| *verdict != Verdict::Open);
    let rows: String = groups
        .into_iter()
        .map(|(verdict, mut ports)| {
            ports.sort_unstable();
            let ranges = ports.into_iter().collect::<PortRanges>().to_string().replace(',', ", ");
            let result = match verdict {
                Verdict::Open => "✓ Open",
                Verdict::NotOpen(reason) => reason.text(),
            };
            format!("<tr><th scope=\"row\">{result}</th><td>{ranges}</td></tr>")
        })
        .collect();
    format!("<p>Checked at {caller}.</p><table class=\"plain\">{rows}</table>")
}

/// As text within an element or an attribute of HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
