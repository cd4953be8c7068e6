//! Whose allowance a limit counts against.

use std::net::IpAddr;

use port_checker_api::subscriber;

/// The kinds of allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The caller's.
    Caller,
    /// The half of the target's that only the target spends.
    TargetItself,
    /// The half of the target's that all others spend together.
    ThirdParties,
}

impl Scope {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Caller, Self::TargetItself, Self::ThirdParties];

    /// The limit's name in headers and metrics. A request meets one half of a target's allowance at most.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::TargetItself | Self::ThirdParties => "target",
        }
    }

    /// The allowance of a subject, in words that follow "more than".
    pub(crate) fn allowance_of(self, subject: Subject) -> String {
        let subject = subject.address();
        match self {
            Self::Caller => format!("the caller {subject} may have checked"),
            Self::TargetItself => format!("the target {subject} may have checked of itself"),
            Self::ThirdParties => format!("others may have checked of the target {subject}"),
        }
    }

    /// The limit's name in the keys of Redis.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::TargetItself => "target:itself",
            Self::ThirdParties => "target:others",
        }
    }
}

/// The addresses that a limit counts as one: a [`subscriber`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject(IpAddr);

impl Subject {
    /// The one that an address belongs to.
    pub fn of(address: IpAddr) -> Self {
        Self(subscriber(address))
    }

    /// An IPv4 address, or the first of an IPv6 /64.
    pub const fn address(self) -> IpAddr {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_subscriber_are_one_subject() {
        let cases = [
            ("198.51.100.7", "198.51.100.7", "an IPv4 address"),
            ("::ffff:198.51.100.7", "198.51.100.7", "the same, mapped"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "an IPv6 subscriber"),
        ];
        for (address, subject, why) in cases {
            let expected: IpAddr = subject.parse().unwrap();
            assert_eq!(Subject::of(address.parse().unwrap()).address(), expected, "{why}");
        }
    }

    #[test]
    fn each_scope_has_keys_apart_from_the_others() {
        assert_eq!(Scope::ALL.map(Scope::key), ["caller", "target:itself", "target:others"]);
        assert_eq!(Scope::ALL.map(Scope::name), ["caller", "target", "target"]);
    }
}
