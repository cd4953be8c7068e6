//! Warnings about settings that are allowed but probably not meant.

use port_checker_probe::{Budget, Targets};

use super::{limits, model::Config};

impl Config {
    /// How many ports that never answer one request can have judged within the deadline.
    fn ports_in_time(&self) -> usize {
        let share = Budget::new(self.max_in_flight).largest_share();
        let socket_time = self.probe.socket_time().as_secs_f64().max(f64::MIN_POSITIVE);
        let rounds = (self.deadline.as_secs_f64() / socket_time).floor() as usize;
        match rounds {
            0 => share / self.probe.attempts.get() as usize,
            rounds => share.saturating_mul(rounds),
        }
    }

    /// Warnings about settings that are allowed but probably not meant.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        // An attempt that ends at the deadline ends too late.
        let too_long = self.probe.longest() >= self.deadline;
        if too_long {
            warnings.push(format!(
                "a port that never answers takes {:?}, not less than PORT_CHECK_DEADLINE ({:?}): \
                 such checks will fail. Lower PORT_CHECK_RETRIES or PORT_CHECK_TIMEOUT, or raise the deadline",
                self.probe.longest(),
                self.deadline
            ));
        } else if self.probe.socket_time() > self.deadline {
            warnings.push(format!(
                "PORT_CHECK_RETRIES × PORT_CHECK_TIMEOUT ({:?}) is longer than PORT_CHECK_DEADLINE \
                 ({:?}): checks of ports that never answer will fail while sockets are short",
                self.probe.socket_time(),
                self.deadline
            ));
        }
        let in_time = self.ports_in_time();
        if !too_long && in_time < self.max_ports {
            warnings.push(format!(
                "PORT_CHECK_MAX_PORTS={} is more than the {in_time} ports that can be judged in time \
                 if none answers; raise the open-file limit or PORT_CHECK_MAX_IN_FLIGHT",
                self.max_ports
            ));
        }
        if self.policy.targets == Targets::Any {
            warnings.push(
                "PORT_CHECKER_TARGETS=any: anybody can have any address dialled from here, this \
                 machine's private networks included"
                    .to_owned(),
            );
        }
        warnings.extend(limits::warnings(&self.limits, self.max_ports, self.policy.targets));
        warnings
    }
}
