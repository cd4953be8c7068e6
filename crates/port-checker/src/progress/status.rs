//! How far a verification is, in lines.

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
    time::{Duration, Instant},
};

use port_checker_client::{Event, TransportPort, TransportPortRanges};

use crate::duration_words::{words, words_of_rest};

/// The column that stays empty: a terminal may begin a new line behind the last one.
const MARGIN: usize = 1;

/// The columns before a line.
const INDENT: usize = 2;

/// The time for the way to a checker and back, and for what it has to do besides.
const SPARE_TIME: Duration = Duration::from_secs(1);

/// Ports of one address that one checker is being asked about.
type Asked = (usize, IpAddr);

/// How far a verification is.
pub(super) struct Status {
    phase: Phase,
    /// Lines about ports that earlier tries found closed.
    closed: Vec<String>,
    began: Instant,
    /// The answers of all checkers about all ports: asked for, there, and those that call a port open.
    asked: usize,
    judged: usize,
    open: usize,
    /// The ports of the requests that have been sent and are not over.
    pending: HashMap<Asked, BTreeSet<TransportPort>>,
    /// The longest that a request may take, and that it takes if the checker keeps its word.
    within: Duration,
    expected: Duration,
    /// When the last of those requests is over at the latest.
    until: Instant,
    /// When the last of them has judged its silent ports, by the words of the checkers.
    expected_until: Instant,
}

/// The present step.
enum Phase {
    /// Nothing has been asked yet.
    Starting,
    /// Checkers are asked from where they see this machine.
    Locating,
    /// Checkers are asked about ports.
    Asking,
    /// Ports are mapped at the router.
    Mapping,
    /// A checker is busy until then.
    Busy(Instant),
    /// Nothing is done until then; what follows, in words.
    Paused(Instant, &'static str),
}

impl Default for Status {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            phase: Phase::Starting,
            closed: Vec::new(),
            began: now,
            asked: 0,
            judged: 0,
            open: 0,
            pending: HashMap::new(),
            within: Duration::ZERO,
            expected: Duration::ZERO,
            until: now,
            expected_until: now,
        }
    }
}

impl Status {
    /// Begins a try.
    pub(super) fn begin(&mut self) {
        let (closed, began) = (std::mem::take(&mut self.closed), self.began);
        *self = Self { closed, began, ..Self::default() };
    }

    /// Begins a pause, after which something follows.
    pub(super) fn pause(&mut self, duration: Duration, next: &'static str, closed: Vec<String>) {
        self.phase = Phase::Paused(Instant::now() + duration, next);
        self.closed = closed;
    }

    /// Takes note of an event.
    pub(super) fn note(&mut self, event: Event) {
        match event {
            Event::AskingAddress { within, .. } => {
                self.phase = Phase::Locating;
                self.until = self.until.max(Instant::now() + within);
            }
            Event::Asking { ports, .. } => self.asked += ports,
            Event::Mapping { ports } => {
                self.phase = Phase::Mapping;
                self.asked += ports;
            }
            Event::Requested { checker, address, ports, within, silent_port } => {
                self.pending.entry((checker, address)).or_default().extend(ports);
                self.phase = Phase::Asking;
                let expected = silent_port.map_or(within, |silent| within.min(silent + SPARE_TIME));
                self.within = self.within.max(within);
                self.expected = self.expected.max(expected);
                self.wait_from(Instant::now());
            }
            Event::Waiting { wait, .. } => {
                let again = Instant::now() + wait;
                self.phase = Phase::Busy(again);
                self.wait_from(again);
            }
            Event::Judged { checker, address, port, accessible } => {
                self.judged += 1;
                self.open += usize::from(accessible);
                self.forget((checker, address), &[port]);
            }
            Event::RequestEnded { checker, address, ports } => {
                self.forget((checker, address), &ports);
            }
            _ => {}
        }
    }

    /// A request is sent at this time.
    fn wait_from(&mut self, time: Instant) {
        self.until = self.until.max(time + self.within);
        self.expected_until = self.expected_until.max(time + self.expected);
    }

    fn forget(&mut self, asked: Asked, ports: &[TransportPort]) {
        if let Some(pending) = self.pending.get_mut(&asked) {
            ports.iter().for_each(|port| _ = pending.remove(port));
        }
    }

    /// The lines for a terminal so wide. The first one follows a spinner.
    pub(super) fn lines(&self, width: usize) -> Vec<String> {
        let now = Instant::now();
        let mut lines = match self.phase {
            Phase::Paused(until, next) => {
                let left = words_of_rest(until.saturating_duration_since(now));
                vec![format!("{next} in {left} (Ctrl-C ends this)")]
            }
            _ => vec![self.count(now), self.step(now)],
        };
        lines.extend(self.closed.iter().cloned());
        let width = width.saturating_sub(INDENT + MARGIN);
        let blanks = |index: usize| if index == 0 { 0 } else { INDENT };
        let lines = lines.iter().enumerate();
        lines.map(|(index, line)| " ".repeat(blanks(index)) + &cut(line, width)).collect()
    }

    fn count(&self, now: Instant) -> String {
        let Self { asked, judged, open, .. } = self;
        format!("{judged} of {asked} answers, {open} open, {}", words(now - self.began))
    }

    /// What is waited for.
    fn step(&self, now: Instant) -> String {
        let ports: BTreeSet<TransportPort> = self.pending.values().flatten().copied().collect();
        let count = ports.len();
        let is_late = self.expected_until < now;
        let rest = |until: Instant| words_of_rest(until.saturating_duration_since(now));
        match self.phase {
            Phase::Starting => "starting".to_owned(),
            Phase::Locating => format!("asking for our address, up to {} more", rest(self.until)),
            Phase::Mapping => "mapping ports at the router, and checking them again".to_owned(),
            Phase::Busy(until) if until > now => {
                format!("a checker is busy, and is asked again in {}", words_of_rest(until - now))
            }
            _ if count == 0 => "all answered".to_owned(),
            _ => format!(
                "waiting for {count} {}{}, up to {} more: {}",
                if count == 1 { "port" } else { "ports" },
                if is_late { " of a checker that is late" } else { "" },
                rest(if is_late { self.until } else { self.expected_until }),
                ports.into_iter().collect::<TransportPortRanges>(),
            ),
        }
    }
}

/// The text, or so much of it as fits.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    kept + "…"
}
