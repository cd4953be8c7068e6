//! The settings of the limits, and the cost of a request for its caller and its target.
//!
//! A target's allowance is two halves: one for checks that it asks for itself, one for those that all
//! others ask for together. Neither can spend the other's.

use std::net::IpAddr;

use crate::{
    charge::Charge,
    gcra::Rate,
    subject::{Scope, Subject},
};

/// How many probes (ports) may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// By one caller: an IPv4 address or an IPv6 /64.
    pub caller: Allowance,
    /// Of one target: an IPv4 address or an IPv6 /64. Third parties together may spend half of it, and
    /// nobody but the target the other half.
    pub target: Allowance,
    /// How many times a probe counts for its caller when the target is not the caller; 0 counts as 1.
    pub third_party_cost: u32,
}

/// How many probes a caller or target may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// In the long run; 0 turns the limit off.
    pub per_minute: u32,
    /// At once.
    pub burst: u32,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { per_minute: 600, burst: 2048 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { caller: Allowance::default(), target: Allowance::default(), third_party_cost: 5 }
    }
}

/// Who asks, as seen from the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// The target itself: the same address, not only the same subject.
    Itself,
    /// Anybody else, a neighbour in the same IPv6 /64 included.
    ThirdParty,
}

impl Asker {
    /// How `caller` stands to `target`; an IPv4-mapped address is the IPv4 address in it.
    pub fn of(caller: IpAddr, target: IpAddr) -> Self {
        match caller.to_canonical() == target.to_canonical() {
            true => Self::Itself,
            false => Self::ThirdParty,
        }
    }
}

/// The rates in force.
#[derive(Debug)]
pub struct Tariff {
    caller: Option<Rate>,
    target_itself: Option<Rate>,
    third_parties: Option<Rate>,
    /// How many probes a third party's port counts as for its caller.
    third_party_cost: u64,
}

impl Tariff {
    /// The rates that these settings make.
    pub fn new(limits: &Limits) -> Self {
        let target = Rate::new(limits.target.per_minute, limits.target.burst).map(Rate::halves);
        Self {
            caller: Rate::new(limits.caller.per_minute, limits.caller.burst),
            target_itself: target.map(|[itself, _]| itself),
            third_parties: target.map(|[_, others]| others),
            third_party_cost: u64::from(limits.third_party_cost.max(1)),
        }
    }

    /// The charges of `caller` and of `target` for `ports` probes.
    pub(crate) fn charges(&self, caller: IpAddr, target: IpAddr, ports: u64) -> Vec<Charge> {
        let asker = Asker::of(caller, target);
        let (target_scope, target_rate) = self.half(asker);
        let each = self.cost(asker);
        let of_caller = self.of_caller(caller, ports, each);
        let of_target = target_rate.map(|rate| {
            let subject = Subject::of(target);
            Charge { scope: target_scope, subject, rate, ports, each: 1 }
        });
        of_caller.into_iter().chain(of_target).collect()
    }

    /// The charge of `caller` for looking up one name.
    pub(crate) fn look_up(&self, caller: IpAddr) -> Option<Charge> {
        self.of_caller(caller, 1, 1)
    }

    fn of_caller(&self, caller: IpAddr, ports: u64, each: u64) -> Option<Charge> {
        let subject = Subject::of(caller);
        self.caller.map(|rate| Charge { scope: Scope::Caller, subject, rate, ports, each })
    }

    /// The most ports that each limit ever admits at once.
    pub fn max_ports(&self, asker: Asker) -> Vec<(Scope, u64)> {
        let of_caller = self.caller.map(|rate| (Scope::Caller, rate.burst() / self.cost(asker)));
        let (scope, rate) = self.half(asker);
        of_caller.into_iter().chain(rate.map(|rate| (scope, rate.burst()))).collect()
    }

    /// The half of the target's allowance that is spent.
    const fn half(&self, asker: Asker) -> (Scope, Option<Rate>) {
        match asker {
            Asker::Itself => (Scope::TargetItself, self.target_itself),
            Asker::ThirdParty => (Scope::ThirdParties, self.third_parties),
        }
    }

    /// How many probes a port counts as for its caller.
    const fn cost(&self, asker: Asker) -> u64 {
        match asker {
            Asker::Itself => 1,
            Asker::ThirdParty => self.third_party_cost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tariff(burst: u32, target_burst: u32, third_party_cost: u32) -> Tariff {
        let caller = Allowance { per_minute: 600, burst };
        let target = Allowance { per_minute: 600, burst: target_burst };
        Tariff::new(&Limits { caller, target, third_party_cost })
    }

    #[test]
    fn charges_of_callers_and_targets() {
        use Scope::{Caller, TargetItself, ThirdParties};
        let cases = [
            ("192.0.2.1", "192.0.2.1", [(Caller, 3), (TargetItself, 3)], "its own address"),
            ("::ffff:192.0.2.1", "192.0.2.1", [(Caller, 3), (TargetItself, 3)], "the same, mapped"),
            ("192.0.2.2", "192.0.2.1", [(Caller, 15), (ThirdParties, 3)], "a stranger"),
            ("2001:db8::1", "2001:db8::1", [(Caller, 3), (TargetItself, 3)], "its own, IPv6"),
            ("2001:db8::2", "2001:db8::1", [(Caller, 15), (ThirdParties, 3)], "a neighbour"),
            ("2001:db8::1", "192.0.2.1", [(Caller, 15), (ThirdParties, 3)], "the other family"),
        ];
        for (caller, target, expected, why) in cases {
            let charges =
                tariff(2048, 2048, 5).charges(caller.parse().unwrap(), target.parse().unwrap(), 3);
            let costs: Vec<_> =
                charges.iter().map(|charge| (charge.scope, charge.cost())).collect();
            assert_eq!(costs, expected, "{why}");
        }
    }

    #[test]
    fn a_look_up_is_charged_to_its_caller_alone() {
        let charge = tariff(2048, 2048, 5).look_up("192.0.2.1".parse().unwrap()).unwrap();
        assert_eq!((charge.scope, charge.cost()), (Scope::Caller, 1));
    }

    #[test]
    fn a_neighbour_is_charged_with_the_same_subject() {
        let charges = |caller: &str| {
            let target = "2001:db8::1".parse().unwrap();
            let charges = tariff(2048, 2048, 5).charges(caller.parse().unwrap(), target, 3);
            charges.iter().map(|charge| charge.subject.address()).collect::<Vec<_>>()
        };
        assert_eq!(charges("2001:db8::1"), charges("2001:db8::2"), "the /64");
    }

    #[test]
    fn the_most_that_is_ever_admitted() {
        let cases = [
            (tariff(2048, 2048, 5), [2048, 1024], [409, 1024], "the defaults"),
            (tariff(100, 2048, 5), [100, 1024], [20, 1024], "a small burst of callers"),
            (tariff(2048, 100, 5), [2048, 50], [409, 50], "a small burst of targets"),
            (tariff(4, 2048, 5), [4, 1024], [0, 1024], "third parties never"),
            (tariff(2048, 1, 5), [2048, 1], [409, 0], "one cannot be halved"),
        ];
        for (tariff, own, third, why) in cases {
            let most = |asker| tariff.max_ports(asker).into_iter().map(|(_, most)| most);
            assert!(most(Asker::Itself).eq(own), "{why}");
            assert!(most(Asker::ThirdParty).eq(third), "{why}");
        }
        let off = Allowance { per_minute: 0, burst: 1 };
        let limits = Limits { caller: off, target: off, third_party_cost: 5 };
        assert_eq!(Tariff::new(&limits).max_ports(Asker::ThirdParty), []);
    }
}
