//! A line with distance and loss between two namespaces: packets come out after a delay, some never.
//!
//! Loopback and cables decide a connection before `connect` returns. Over this line nothing is decided
//! until a round trip has passed.

mod answers;
mod carrier;
mod line;

use std::{
    fs::File,
    io::{Read, Seek, pipe},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use tun_rs::{DeviceBuilder, SyncDevice};

use crate::namespace::Namespace;
use carrier::{Carrier, Counters};
use line::MTU;
pub use line::{Counts, Directions, Line};

/// Packets that a device holds until its carrier takes them: more than a second of 40,000 packets a
/// second, for a carrier that gets no processor for that long.
const DEVICE_QUEUE: u32 = 1 << 16;

/// The kernel's counters of packets that a device of this namespace carried and dropped; see proc_pid_net(5).
const DEVICES: &str = "/proc/thread-self/net/dev";

/// Two TUN devices and the two threads that carry packets between them, all of one name; all end when it
/// is dropped.
pub struct LongLine {
    there: Direction,
    back: Direction,
    /// Closing it ends the threads.
    end: Option<std::io::PipeWriter>,
}

/// One direction as seen from outside.
struct Direction {
    counters: Arc<Counters>,
    device: DeviceStatistics,
    thread: Option<JoinHandle<()>>,
}

impl LongLine {
    /// Joins two namespaces. Each end gets its addresses, such as `198.51.100.1/24`.
    ///
    /// # Panics
    /// When the system does not let it: it needs root and `/dev/net/tun`.
    pub fn between(
        one: &Namespace,
        addresses: &[&str],
        other: &Namespace,
        other_addresses: &[&str],
        directions: impl Into<Directions>,
    ) -> Self {
        static LAID: AtomicU32 = AtomicU32::new(0);
        let name = format!("line{}", LAID.fetch_add(1, Ordering::Relaxed));
        let Directions { there, back, seed } = directions.into();
        let (near, near_statistics) = device(one, &name, addresses);
        let (far, far_statistics) = device(other, &name, other_addresses);
        let (ended, end) = pipe().expect("a pipe");
        let start = |from: &Arc<SyncDevice>, to: &Arc<SyncDevice>, line, seed, device| {
            let carrier = Carrier::new([from, to], line, seed);
            let counters = carrier.counters();
            let ended = ended.try_clone().expect("a descriptor");
            let thread = thread::Builder::new().name(name.clone());
            let thread = thread.spawn(move || carrier.run(&ended)).expect("a thread");
            Direction { counters, device, thread: Some(thread) }
        };
        Self {
            there: start(&near, &far, there, seed, near_statistics),
            back: start(&far, &near, back, !seed, far_statistics),
            end: Some(end),
        }
    }

    /// Packets from the first namespace to the second.
    pub fn there(&self) -> Counts {
        self.there.counts()
    }

    /// Packets from the second namespace to the first.
    pub fn back(&self) -> Counts {
        self.back.counts()
    }

    /// When the first TCP packet or datagram from a port of the second namespace came out at the first one; none
    /// if all were lost. A verdict that a port is silent is right then.
    pub fn first_answer(&self, port: u16) -> Option<Instant> {
        self.back.counters.answers.first(port)
    }

    /// Forgets which ports have answered.
    pub fn forget_answers(&self) {
        self.back.counters.answers.forget();
    }
}

impl Drop for LongLine {
    fn drop(&mut self) {
        drop(self.end.take());
        for direction in [&mut self.there, &mut self.back] {
            if let Some(thread) = direction.thread.take() {
                // A panic of a carrier was printed when it happened.
                let _ = thread.join();
            }
        }
    }
}

impl Direction {
    fn counts(&self) -> Counts {
        let Counts { carried, lost_by_chance, lost_to_bound } = self.counters.read();
        Counts { carried, lost_by_chance, lost_to_bound: lost_to_bound + self.device.dropped() }
    }
}

/// The kernel's statistics of one device.
struct DeviceStatistics {
    /// Shows the devices of the namespace it was opened in.
    devices: Mutex<File>,
    name: String,
}

impl DeviceStatistics {
    /// Packets that did not fit into the device's queue.
    fn dropped(&self) -> u64 {
        /// The column `drop` under `Transmit`, behind the name.
        const COLUMN: usize = 11;
        let mut text = String::new();
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        devices.rewind().expect("statistics can be read again");
        devices.read_to_string(&mut text).expect("statistics are text");
        let of_device = |line: &str| {
            let numbers = line.trim_start().strip_prefix(&self.name)?.strip_prefix(':')?;
            numbers.split_whitespace().nth(COLUMN)?.parse().ok()
        };
        text.lines().find_map(of_device).expect("the device is there as long as the line")
    }
}

/// Makes a device in a namespace.
fn device(
    namespace: &Namespace,
    name: &str,
    addresses: &[&str],
) -> (Arc<SyncDevice>, DeviceStatistics) {
    let (device, devices) = namespace.within(|| {
        let device = DeviceBuilder::new().name(name).inherit_enable_state().build_sync();
        let device = device.expect("root and /dev/net/tun");
        device.set_nonblocking(true).expect("a device can be read without waiting");
        (device, File::open(Path::new(DEVICES)).expect("procfs"))
    });
    for address in addresses {
        namespace.add_address(address, name);
    }
    let (mtu, queue) = (MTU.to_string(), DEVICE_QUEUE.to_string());
    namespace.ip(&["link", "set", name, "mtu", &mtu, "txqueuelen", &queue, "up"]);
    let devices = Mutex::new(devices);
    (Arc::new(device), DeviceStatistics { devices, name: name.to_owned() })
}
