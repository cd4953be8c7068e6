//! A machine that watches itself while somebody sets its clock.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use port_checker_testbed::{ports::unused, process::wait_until, skip};

use super::{checker, watch::Watch};

/// Where Debian's `libfaketime` is, in a folder for the architecture.
const LIBRARIES: &str = "/usr/lib";
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// The time between two rounds of a [`Watch`].
const INTERVAL: Duration = Duration::from_secs(1);

/// Ten years, in seconds: what a machine without a battery is off at boot.
const JUMP: f64 = 3650.0 * 86400.0;

/// Times differ by so many seconds at most if they are of the same round: far more than a busy machine needs.
const SLACK: f64 = 3600.0;

/// The library that gives a program another clock, but the same one for pauses, as the system does.
fn library() -> Option<String> {
    let folders = fs::read_dir(LIBRARIES).into_iter().flatten().flatten();
    let found = folders.map(|folder| folder.path().join(LIBRARY)).find(|path| path.exists());
    if found.is_none() {
        skip::missing("libfaketime, of the Debian package of that name");
    }
    Some(found?.to_string_lossy().into_owned())
}

fn set(file: &Path, offset: &str) {
    let new = file.with_extension("new");
    fs::write(&new, offset).and_then(|()| fs::rename(&new, file)).expect("the test's own");
}

#[test]
fn a_clock_that_is_set_neither_stops_the_rounds_nor_makes_them_hurry() {
    let Some(library) = library() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let offset = directory.path().join("offset");
    set(&offset, "+0");
    let service = checker(0);
    let settings = [
        ("LD_PRELOAD", &*library),
        ("FAKETIME_TIMESTAMP_FILE", offset.to_str().expect("a plain path")),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
    ];
    let watch = Watch::with(&unused(1)[0].to_string(), service.address, &settings);
    watch.wait_for_rounds(1);
    let begun = watch.sample("last_run_timestamp_seconds");
    for (text, jump) in [("-3650d", -JUMP), ("+3650d", JUMP), ("+0", 0.0)] {
        set(&offset, text);
        let time = || watch.sample("last_run_timestamp_seconds") - begun;
        wait_until("the clock is another one", || (time() - jump).abs() < SLACK);
        let began = Instant::now();
        watch.wait_for_rounds(4);
        // The first of them may have been under way.
        assert!(began.elapsed() > 2 * INTERVAL, "{text}: {:?}", began.elapsed());
        let duration = watch.sample("duration_seconds");
        assert!((0.0..SLACK).contains(&duration), "{text}: {duration}");
    }
    assert_eq!(watch.file("err"), "");
}
