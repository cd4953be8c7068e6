//! From which address the checkers see this machine, and which of their words is lent to others.

use std::net::IpAddr;

use futures_util::future::join_all;

use super::stop::StopSignal;
use crate::{
    Checker, Family, NoVerdict,
    facts::{CheckerFacts, Failure},
};

/// Asks each checker over `family`. Returns its answer and the checker to ask from then on:
/// one that cannot tell may be asked over any family. One that has not answered when it is to stop has neither an address nor
/// a failure.
pub(super) async fn ask(
    family: Family,
    checkers: &[Checker],
    local: &[IpAddr],
    stop: &StopSignal,
) -> (Vec<CheckerFacts>, Vec<Checker>) {
    let over: Vec<_> = checkers.iter().map(|checker| checker.over(family)).collect();
    let answers = join_all(over.iter().map(|checker| stop.or_stop(ask_one(family, checker)))).await;
    let lent = lent(answers.iter().flatten().flatten().copied(), local);
    let one_tells = answers.iter().flatten().any(Result::is_ok);
    answers
        .into_iter()
        .zip(over.into_iter().zip(checkers))
        .map(|(answer, (over, any))| match (answer, lent) {
            (Some(Ok(own)), _) => (CheckerFacts::asked(&over, own), over),
            (_, Some(lent)) => (CheckerFacts::asked(any, lent), any.clone()),
            (Some(Err(error)), None) => {
                (not_asked(any, Some(failure(&error, one_tells))), any.clone())
            }
            (None, None) => (not_asked(any, None), any.clone()),
        })
        .unzip()
}

async fn ask_one(family: Family, checker: &Checker) -> Result<IpAddr, NoVerdict> {
    match checker.only_family() {
        Some(only) if only != family => {
            Err(NoVerdict::OtherFamily { url: checker.url().to_owned(), family: only })
        }
        _ => checker.ip().await.and_then(|ip| of_family(ip, family, checker)),
    }
}

/// A checker of which is not known about which address to ask.
fn not_asked(checker: &Checker, failure: Option<Failure>) -> CheckerFacts {
    CheckerFacts {
        url: checker.url().to_owned(),
        address: None,
        peer: None,
        failure,
        attestations: Vec::new(),
    }
}

fn failure(error: &NoVerdict, another_tells: bool) -> Failure {
    let mut failure = Failure::from(error);
    if another_tells {
        failure.message += ". It was not asked about the address that another checker tells, because \
                            this machine does not have that address and no third checker confirms it. \
                            Give the address with --ip";
    }
    failure
}

/// The address that checkers are asked about that cannot tell one themselves. One checker alone could
/// have all the others look at a stranger, so either this machine has the address, or two say it. Its
/// loopback address is another machine to each of them.
fn lent(said: impl Iterator<Item = IpAddr> + Clone, local: &[IpAddr]) -> Option<IpAddr> {
    let votes = |ip| said.clone().filter(|&other| other == ip).count();
    let is_own = |ip: IpAddr| local.contains(&ip) && !ip.is_loopback();
    said.clone()
        .filter(|&ip| is_own(ip) || votes(ip) >= 2)
        .max_by_key(|&ip| (is_own(ip), votes(ip)))
}

/// That a checker sees us from an address of another family is no answer.
fn of_family(ip: IpAddr, family: Family, checker: &Checker) -> Result<IpAddr, NoVerdict> {
    if Family::of(ip) == family && !ip.is_unspecified() {
        return Ok(ip);
    }
    let reason = format!("it says that it sees us from {ip}, which is no address of {family}");
    Err(NoVerdict::malformed(checker.url(), reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_is_lent_only_for_an_address_of_this_machine() {
        let local = ["192.168.1.10", "127.0.0.1"];
        let cases: [(&[&str], Option<&str>, &str); 8] = [
            (&[], None, "nobody can tell"),
            (&["203.0.113.7"], None, "one says it"),
            (&["203.0.113.7", "198.51.100.9"], None, "two do not agree"),
            (&["198.51.100.9", "203.0.113.7", "203.0.113.7"], Some("203.0.113.7"), "two agree"),
            (&["192.168.1.10"], Some("192.168.1.10"), "this machine has it"),
            (&["198.51.100.9", "192.168.1.10"], Some("192.168.1.10"), "and a liar beside"),
            (
                &["198.51.100.9", "198.51.100.9", "192.168.1.10"],
                Some("192.168.1.10"),
                "and two liars beside",
            ),
            (&["127.0.0.1"], None, "every machine has it"),
        ];
        let parse = |ip: &&str| ip.parse::<IpAddr>().unwrap();
        for (said, expected, why) in cases {
            let local: Vec<IpAddr> = local.iter().map(parse).collect();
            assert_eq!(lent(said.iter().map(parse), &local), expected.as_ref().map(parse), "{why}");
        }
    }
}
