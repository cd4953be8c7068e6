//! Attempts at TCP ports: connect, then hold the connection for a moment or read the challenge.

use std::{sync::Arc, time::Duration};

use port_checker_api::{Challenge, ChallengeOutcome, Reason};
use tokio::time::{Instant, sleep_until};

use super::connection::{Connection, NotReached, dial, unwatchable};
use crate::{
    challenge::Reply,
    fault::Fault,
    policy::Target,
    reactor::{Interest, Reactor, Registration},
    settings::ProbeSettings,
    transport::{AttemptOutcome, AttemptState, Transport},
    verdict::{Step, Verdict, judge},
};

/// The least time for which a connection is held, in case it is reset at once.
const MIN_SETTLE: Duration = Duration::from_millis(5);

/// The time beyond that which a listener may need to get a processor. One on a small machine that is busy
/// needs some milliseconds.
const RESPONSE_TIME: Duration = Duration::from_millis(5);

/// Makes attempts at the ports of one target.
pub(crate) struct TcpTransport {
    target: Arc<Target>,
    settings: ProbeSettings,
    challenge: Option<Arc<Challenge>>,
    reactor: Arc<Reactor>,
    /// Made for the first connection that is not decided at once.
    registration: Option<Registration>,
}

/// One attempt at a TCP port.
pub(crate) struct TcpAttempt {
    connection: Connection,
    /// Read for each attempt: a round begins many, one after another. Whether something is due is judged by
    /// the worker's clock alone.
    began: Instant,
    until: Instant,
    phase: Phase,
    is_registered: bool,
}

enum Phase {
    /// The handshake is not over.
    Connecting,
    /// It is established, and held in case it is reset at once.
    Settling { until: Instant, connected: Duration },
    /// It is established, and the challenge is read.
    Reading(Reply),
}

impl TcpTransport {
    pub(crate) fn new(
        target: Arc<Target>,
        settings: ProbeSettings,
        challenge: Option<Arc<Challenge>>,
        reactor: Arc<Reactor>,
    ) -> Self {
        Self { target, settings, challenge, reactor, registration: None }
    }

    /// Has the runtime's reactor wait for an attempt's socket once.
    fn watch(
        &mut self,
        attempt: &mut TcpAttempt,
        token: usize,
        interest: Interest,
    ) -> Result<(), Fault> {
        let connection = &attempt.connection;
        let fault = unwatchable(connection.address());
        let registration = match &mut self.registration {
            Some(registration) => registration,
            none => none.insert(self.reactor.register().map_err(&fault)?),
        };
        let watched = match attempt.is_registered {
            true => registration.renew(connection, token, interest),
            false => registration.add(connection, token, interest),
        };
        attempt.is_registered = true;
        watched.map_err(fault)
    }

    /// Waits for the end of the handshake.
    fn connecting(
        &mut self,
        attempt: &mut TcpAttempt,
        token: usize,
        now: Instant,
    ) -> Result<AttemptState, Fault> {
        let elapsed = attempt.began.elapsed();
        let ended = |reason| AttemptOutcome::of(Verdict::NotOpen(reason), elapsed);
        match attempt.connection.poll() {
            Some(reached) => match reached? {
                Ok(()) => {
                    attempt.phase = match self.challenge {
                        None => Phase::settling(attempt.began, elapsed, self.settings.settle),
                        Some(_) => Phase::Reading(Reply::default()),
                    };
                    self.advance(attempt, token, now)
                }
                Err(NotReached { reason, icmp }) => {
                    Ok(AttemptState::Ended(AttemptOutcome { icmp, ..ended(reason) }))
                }
            },
            None if now >= attempt.until => Ok(AttemptState::Ended(ended(Reason::TimedOut))),
            None => {
                self.watch(attempt, token, Interest::Writable)?;
                Ok(AttemptState::Pending { until: attempt.until, silent: true })
            }
        }
    }

    /// Waits for the line that the listener sends.
    fn reading(
        &mut self,
        attempt: &mut TcpAttempt,
        token: usize,
        now: Instant,
    ) -> Result<AttemptState, Fault> {
        let TcpAttempt { connection, phase: Phase::Reading(reply), began, until, .. } = attempt
        else {
            unreachable!("called for an attempt that reads");
        };
        let elapsed = began.elapsed();
        let read = match reply.read(&connection.socket_ref()) {
            // A router's message about an established connection does not end it (RFC 1122, section 4.2.3.9).
            Err(_) if connection.is_established() => Ok(false),
            read => read,
        };
        match read {
            Ok(false) if now < *until => {
                let until = *until;
                self.watch(attempt, token, Interest::Readable)?;
                Ok(AttemptState::Pending { until, silent: true })
            }
            Ok(_) => {
                connection.discard_banner();
                let expected = self.challenge.as_ref().expect("only a challenge is read");
                let challenge = reply.outcome(expected);
                let verdict = match challenge {
                    ChallengeOutcome::Matched => Verdict::Open,
                    _ => Verdict::NotOpen(Reason::ChallengeFailed),
                };
                let outcome = AttemptOutcome::of(verdict, elapsed);
                Ok(AttemptState::Ended(AttemptOutcome { challenge: Some(challenge), ..outcome }))
            }
            Err(error) => {
                let reason = judge(Step::Underway, connection.address(), error)?;
                Ok(AttemptState::Ended(AttemptOutcome::of(Verdict::NotOpen(reason), elapsed)))
            }
        }
    }
}

impl Transport for TcpTransport {
    type Attempt = TcpAttempt;

    fn now(&mut self) -> Instant {
        Instant::now()
    }

    fn begin(&mut self, index: usize) -> Result<TcpAttempt, Fault> {
        let began = Instant::now();
        Ok(TcpAttempt {
            began,
            connection: dial(self.target.socket(index))?,
            until: began + self.settings.timeout,
            phase: Phase::Connecting,
            is_registered: false,
        })
    }

    fn advance(
        &mut self,
        attempt: &mut TcpAttempt,
        token: usize,
        now: Instant,
    ) -> Result<AttemptState, Fault> {
        match attempt.phase {
            Phase::Connecting => self.connecting(attempt, token, now),
            Phase::Settling { until, .. } if now < until => {
                Ok(AttemptState::Pending { until, silent: false })
            }
            Phase::Settling { connected, .. } => {
                let verdict = match attempt.connection.was_reset() {
                    true => Verdict::NotOpen(Reason::Reset),
                    false => Verdict::Open,
                };
                attempt.connection.discard_banner();
                Ok(AttemptState::Ended(AttemptOutcome::of(verdict, connected)))
            }
            Phase::Reading(_) => self.reading(attempt, token, now),
        }
    }

    fn ready(&mut self) -> Vec<usize> {
        self.registration.as_ref().map(Registration::take).unwrap_or_default()
    }

    async fn wait(&mut self, until: Instant) {
        let Some(registration) = &self.registration else { return sleep_until(until).await };
        tokio::select! {
            biased;
            () = registration.arrived() => {}
            () = sleep_until(until) => {}
        }
    }
}

impl Phase {
    /// The RST of a listener that resets at once arrives as long after the handshake as the handshake took.
    /// A quarter more, because no line is always equally fast.
    fn settling(began: Instant, connected: Duration, most: Duration) -> Self {
        let hold = connected.max(MIN_SETTLE) + connected / 4 + RESPONSE_TIME;
        Self::Settling { until: began + connected + hold.min(most), connected }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use port_checker_api::Port;
    use port_checker_testbed::ports::{Held, Silent};

    use super::*;
    use crate::Policy;

    fn transport(address: SocketAddr) -> TcpTransport {
        let policy = Policy { allow_local: true, ..Policy::default() };
        let ports = vec![Port::new(address.port()).unwrap()];
        let target = Arc::new(policy.vet(address.ip(), address.ip(), ports).unwrap());
        TcpTransport::new(target, ProbeSettings::default(), None, Arc::default())
    }

    #[test]
    fn a_connection_is_held_for_as_long_as_the_handshake_took_within_bounds() {
        let most = Duration::from_millis(500);
        let (began, connected) = (Instant::now(), Duration::from_millis);
        let held = |connected, most| match Phase::settling(began, connected, most) {
            Phase::Settling { until, .. } => until - began - connected,
            _ => panic!("it is held"),
        };
        assert_eq!(held(connected(0), most), MIN_SETTLE + RESPONSE_TIME);
        assert_eq!(held(connected(100), most), connected(100 + 25) + RESPONSE_TIME);
        assert_eq!(held(connected(5_000), most), most);
        assert_eq!(held(connected(100), Duration::ZERO), Duration::ZERO);
    }

    /// A round may have begun some time ago when it comes to an attempt.
    #[tokio::test]
    async fn a_late_round_shortens_neither_the_time_out_nor_the_wait_for_a_reset() {
        const LATE: Duration = Duration::from_secs(1);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut transport = transport(address);
        let now = Instant::now();
        let round = now - LATE;
        let mut attempt = transport.begin(0).unwrap();
        assert!(attempt.until >= now + transport.settings.timeout, "the time-out");
        let progress = transport.advance(&mut attempt, 0, round).unwrap();
        let AttemptState::Pending { until, silent: false } = progress else {
            panic!("{progress:?}")
        };
        assert!(until >= now + MIN_SETTLE, "the wait for a reset");
    }

    /// A worker that waits leaves the processor to others.
    #[tokio::test]
    async fn a_wait_lasts_until_its_time_while_nothing_comes() {
        let silent = Silent::on([127, 0, 0, 1].into());
        let mut transport = transport(silent.address());
        let mut attempt = transport.begin(0).unwrap();
        let now = Instant::now();
        transport.advance(&mut attempt, 0, now).unwrap();
        let until = now + Duration::from_millis(50);
        transport.wait(until).await;
        assert!(Instant::now() >= until);
    }
}
