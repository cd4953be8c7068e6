//! Every error that a person can meet with a checker has a sentence of this program: a table, each row
//! of which is a real situation over a real socket.

use std::time::Duration;

use port_checker_client::{Checker, Roots};

mod certificates;
mod connections;

/// How long an answer may take here: longer than a connection, which has ten seconds.
const TIMEOUT: Duration = Duration::from_secs(12);

/// What stands in the expected sentences for the address given, and for the same with the other scheme.
const URL: &str = "{url}";
const OTHER: &str = "{other}";

/// Words of libraries, which no person should meet.
const FOREIGN: [&str; 12] = [
    "os error",
    "InvalidContentType",
    "HTTP version",
    "elapsed",
    "CaUsedAsEndEntity",
    "Other(",
    "line 1 column",
    "missing field",
    "expected value",
    "<",
    "without a base",
    "invalid peer",
];

/// Checks what a person is told when the checker at `url` is asked.
async fn row(url: &str, roots: Option<&str>, expected: &str, why: &str) {
    let mut builder = Checker::builder(url).expect("an address").timeout(TIMEOUT);
    if let Some(pem) = roots {
        builder = builder.trusting(&Roots::from_pem(pem.as_bytes()).expect("certificates"));
    }
    let said = builder.build().ip().await.expect_err(why).to_string();
    let other = match url.strip_prefix("http://") {
        Some(rest) => format!("https://{rest}"),
        None => url.replacen("https", "http", 1),
    };
    assert_eq!(said, expected.replace(URL, url).replace(OTHER, &other), "{why}");
    for words in FOREIGN {
        assert!(!said.contains(words), "{why}: {words} in {said}");
    }
}
