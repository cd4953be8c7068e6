//! The headers that a browser needs with a page.

/// Nothing from elsewhere, nothing inline, in nobody's frame.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                                 img-src 'self'; connect-src 'self'; base-uri 'none'; \
                                 form-action 'self'; frame-ancestors 'none'";

/// The page tells no other site where its visitor came from. A request from the page itself says so, which is
/// how `/check` knows that its form was sent.
pub(super) const REFERRERS: &str = "same-origin";
