//! A copy of files of a system, in which packages can be installed without touching it.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::done;

/// Writes down what the package's scripts want of systemd, and has systemctl do what it can without a
/// systemd that runs: enable and disable.
const SYSTEMCTL: &str =
    "#!/bin/sh\necho \"$@\" >>/asked\nSYSTEMD_OFFLINE=1 exec /usr/bin/systemctl \"$@\"\n";

/// What is written here stays here. It is gone when dropped.
pub(super) struct Machine {
    directory: TempDir,
}

impl Machine {
    /// A machine with the files below `system`, for root.
    pub(super) fn with_files_of(system: &Path) -> Self {
        let machine = Self { directory: tempfile::tempdir().expect("a directory") };
        let place = machine.directory.path();
        // What is changed must not lie on such a file system again.
        mount(&["-t", "tmpfs", "tmpfs"], place);
        for name in ["root", "changed", "work"] {
            fs::create_dir(place.join(name)).expect("a directory of the test's own");
        }
        let (changed, work) = (place.join("changed"), place.join("work"));
        let (system, changed, work) = (system.display(), changed.display(), work.display());
        let layers = format!("lowerdir={system},upperdir={changed},workdir={work}");
        mount(&["-t", "overlay", "overlay", "-o", &layers], &machine.path(""));
        machine
    }

    /// This machine as it is, and as if systemd ran.
    pub(super) fn like_this() -> Self {
        let machine = Self::with_files_of(Path::new("/"));
        mount(&["--bind", "/dev"], &machine.path("dev"));
        mount(&["-t", "proc", "proc"], &machine.path("proc"));
        machine.record_requests_to_systemd();
        machine
    }

    fn record_requests_to_systemd(&self) {
        fs::create_dir_all(self.path("run/systemd/system")).expect("the test's own");
        let systemctl = self.path("usr/local/sbin/systemctl");
        fs::write(&systemctl, SYSTEMCTL).expect("the test's own");
        fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).expect("its own");
        // Where services must not start, it says so; this is another machine.
        let _ = fs::remove_file(self.path("usr/sbin/policy-rc.d"));
    }

    /// A file of it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("root").join(name)
    }

    /// A command that will run there.
    pub(super) fn command<S: AsRef<OsStr>>(&self, words: &[S]) -> Command {
        let mut command = Command::new("chroot");
        command.arg(self.path("")).args(words);
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// What was wanted of systemd since this was last asked.
    pub(super) fn asked_of_systemd(&self) -> Vec<String> {
        let asked = fs::read_to_string(self.path("asked")).unwrap_or_default();
        let _ = fs::remove_file(self.path("asked"));
        asked.lines().map(str::to_owned).collect()
    }
}

fn mount(args: &[&str], place: &Path) {
    done(Command::new("mount").args(args).arg(place));
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--recursive").arg(self.directory.path()).status();
    }
}
