//! The sections of the manual page that are not about one command.

/// A term and what it means.
pub(super) type Entry = (&'static str, &'static str);

/// Paragraphs of the description.
pub(super) const DESCRIPTION: [&str; 3] = [
    "Can the Internet reach the ports of this machine? With verify, port-checker listens on them, has checkers elsewhere \
     connect back, compares what they found with what arrived, and says for each port what is wrong and what to do. \
     Programs that use the ports may go on running.",
    "With check it asks checkers about the ports of any address, and listens on nothing. With serve it is itself a \
     checker, for others to ask.",
    "Ports are numbers, ranges and lists of them: 7466 50800-50899 80,443. They are checked over TCP, or with /udp behind \
     them over UDP: 51820/udp 27015-27020/udp. Without a command, port-checker serves.",
];

/// What the statuses mean.
pub(super) const EXIT_STATUS: [Entry; 5] = [
    (
        "0",
        "Every port is reachable; attestation verify: the statements hold; the other commands: success.",
    ),
    (
        "1",
        "At least one port is not; attestation verify: they do not hold; health: the service takes no work; the other commands: a failure.",
    ),
    ("2", "The command line or a setting cannot be used."),
    (
        "3",
        "A port got no verdict; or verify asked only this machine or its local network, and --local was not given. It says \
         nothing about the Internet. attestation verify: keys that would decide could not be fetched.",
    ),
    (
        "130, 143",
        "Ctrl-C, SIGTERM. What was known by then is reported, and nothing is left listening.",
    ),
];

/// The variables that are no settings of the service.
pub(super) const ENVIRONMENT: [Entry; 8] = [
    (
        "PORT_CHECKER_SERVER",
        "The checkers of verify and check, separated by commas, where no --server names one.",
    ),
    (
        "GOLEM_ENVIRONMENT",
        "With development, serve admits private and loopback targets unless PORT_CHECKER_ALLOW_LOCAL_IPS says otherwise.",
    ),
    ("NO_COLOR", "Set to anything: no colours. Without it they are for terminals only."),
    ("TERM", "With dumb: no progress, and no colours."),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "The authorities to trust, instead of the system's, for checkers over HTTPS and for checks of TLS.",
    ),
    (
        "LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES",
        "Sockets that systemd hands to serve: see systemd.socket(5).",
    ),
    (
        "NOTIFY_SOCKET, WATCHDOG_USEC",
        "Where serve reports its state to systemd, and how often: see sd_notify(3).",
    ),
    ("JOURNAL_STREAM", "Lines to the journal carry priorities: see systemd.exec(5)."),
];

/// The files that it reads.
pub(super) const FILES: [Entry; 4] = [
    (
        ".env",
        "In the working directory: settings of serve and health, one VARIABLE=value a line. The environment beats it.",
    ),
    (
        "/etc/default/golem-port-checker",
        "Settings of the service that the Debian package golem-port-checker installs, as systemd reads them.",
    ),
    (
        "/etc/golem/port-checker.env",
        "The same, where the Python service has them. Beats the file before.",
    ),
    (
        "/usr/lib/systemd/system/golem-port-checker.service",
        "The unit. golem-port-checker.socket beside it holds the port across restarts.",
    ),
];

/// Where to read on.
pub(super) const SEE_ALSO: [Entry; 5] =
    [("ss", "8"), ("nft", "8"), ("curl", "1"), ("systemd.service", "5"), ("systemd.socket", "5")];

/// Its documentation on a Debian system.
pub(super) const DOCUMENTATION: &str = "The book is in /usr/share/doc/port-checker; /docs of a running service describes its HTTP interface.";
