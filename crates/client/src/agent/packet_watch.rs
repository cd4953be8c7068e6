//! The packets of a batch of ports, if they can be watched.

use std::{collections::HashMap, convert::Infallible, future::pending, net::IpAddr};

use port_checker_api::TransportPort;

use crate::{
    capture::{Capture, CaptureError},
    facts::Watch,
    family::Family,
    sights::Sights,
};

/// The watch over the packets of a batch of ports.
pub(super) enum PacketWatch {
    /// There is none, for this reason.
    Off(Watch),
    /// Packets are read while [`PacketWatch::run`] is awaited.
    On(Capture),
}

impl PacketWatch {
    /// Begins to watch, where this user may. Packets to a loopback address pass no interface.
    pub(super) fn begin(
        family: Family,
        checked: Option<IpAddr>,
        ports: &[TransportPort],
        own: &[IpAddr],
    ) -> Self {
        if checked.is_none_or(|address| address.is_loopback()) {
            return Self::Off(Watch::No);
        }
        match Capture::open(family, ports, own) {
            Ok(capture) => Self::On(capture),
            Err(CaptureError::NotPermitted) => Self::Off(Watch::NotPermitted),
            Err(CaptureError::Failed(_)) => Self::Off(Watch::No),
        }
    }

    /// Reads packets as they come.
    pub(super) async fn run(&self) -> Infallible {
        match self {
            Self::Off(_) => pending().await,
            Self::On(capture) => capture.watch().await,
        }
    }

    /// The packets so far, by port; none if they are not watched.
    pub(super) fn sights(&self) -> Option<HashMap<TransportPort, Sights>> {
        match self {
            Self::Off(_) => None,
            Self::On(capture) => Some(capture.sights()),
        }
    }

    /// Whether they are watched, this batch and the ones before it together.
    pub(super) fn state(&self, before: Watch) -> Watch {
        match (self, before) {
            (Self::Off(state), _) => *state,
            (Self::On(capture), Watch::Yes { lost }) => {
                Watch::Yes { lost: lost.saturating_add(capture.lost()) }
            }
            (Self::On(capture), _) => Watch::Yes { lost: capture.lost() },
        }
    }
}
