// Lists of ports as people write them, and the names of services.

const LAST_PORT = 65535;

// Ranges written out in a sentence; the grid below shows the others too.
const MAX_RANGES_SHOWN = 24;

// Names of services are added to a list of this many ports or fewer; in a longer one they are noise.
const MAX_PORTS_NAMED = 8;

// Service names as in the IANA registry, or the usual name where that says more.
const SERVICES = `20 ftp-data,21 ftp,22 ssh,23 telnet,25 smtp,53 domain,79 finger,80 http,88 kerberos,110 pop3,
111 sunrpc,119 nntp,123 ntp,135 epmap,139 netbios-ssn,143 imap,179 bgp,389 ldap,443 https,445 microsoft-ds,
465 submissions,514 shell,515 printer,548 afpovertcp,554 rtsp,563 nntps,587 submission,631 ipp,636 ldaps,
853 domain-s,873 rsync,989 ftps-data,990 ftps,993 imaps,995 pop3s,1080 socks,1194 openvpn,1433 ms-sql-s,
1521 ncube-lm,1723 pptp,1883 mqtt,2049 nfs,2375 docker,2376 docker-s,3128 squid,3306 mysql,3389 ms-wbt-server,
3478 stun,3690 svn,4433 vop,5000 commplex-main,5060 sip,5061 sips,5222 xmpp-client,5269 xmpp-server,
5349 stuns,5432 postgresql,5671 amqps,5672 amqp,5900 rfb,6379 redis,6443 sun-sr-https,6881 bittorrent,
7466 golem,8080 http-alt,8123 home-assistant,8333 bitcoin,8443 pcsync-https,8883 secure-mqtt,9000 cslistener,
9418 git,11211 memcache,25565 minecraft,25575 minecraft-rcon,27015 steam,27017 mongodb,30303 ethereum,
32400 plex,64738 murmur`;

const NAMES = new Map(SERVICES.split(",").map((entry) => {
  const [port, name] = entry.trim().split(" ");
  return [Number(port), name];
}));

// Services that use UDP, as people call them; a number that TCP is as likely to be meant by is not among them.
const UDP_SERVICES = new Map(`69 TFTP,123 NTP,500 IPsec,1194 OpenVPN,2456 Valheim,3478 STUN,4500 IPsec,7777 ARK,
9987 TeamSpeak,19132 Minecraft Bedrock,27015 Steam,30814 BeamMP,34197 Factorio,41641 Tailscale,51820 WireGuard,
64738 Mumble`.split(",").map((entry) => {
  const [, port, name] = /(\d+) (.+)/.exec(entry);
  return [Number(port), name];
}));

// What many people ask for.
export const PRESETS = [
  ["SSH", "22"],
  ["Web", "80, 443"],
  ["Mail", "25, 465, 587, 993"],
  ["Golem", "7466, 50800-50899"],
  ["Minecraft", "25565"],
  ["BitTorrent", "6881-6889"],
  ["Remote desktop", "3389"],
  ["Plex", "32400"],
  ["WireGuard", "51820/udp"],
];

export const serviceName = (port) => NAMES.get(port) ?? "";
export const udpServiceName = (port) => UDP_SERVICES.get(port) ?? "";

export const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

// TCP and UDP ports out of "50800-50899, 7466, 51820/udp", each once; or an error that quotes the part that is wrong.
export function lists(text, maxPorts) {
  const [tcp, udp] = [new Set(), new Set()];
  const parts = text.replace(/\s*[-–]\s*/g, "-").split(/[\s,;]+/).filter(Boolean);
  if (parts.length === 0) throw new Error("Name at least one port, such as 7466 or 50800-50899.");
  for (const part of parts) {
    const [, first, last = first, over] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp))?$/i.exec(part) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (!(from >= 1 && from <= to && to <= LAST_PORT)) {
      throw new Error(`“${part}” is neither a port from 1 to ${LAST_PORT} nor a range such as 50800-50899.`);
    }
    const ports = over?.toLowerCase() === "udp" ? udp : tcp;
    for (let port = from; port <= to; port += 1) ports.add(port);
  }
  if (tcp.size + udp.size > maxPorts) {
    const count = plural(tcp.size + udp.size, "port");
    throw new Error(`${count} are too many: this checker takes ${plural(maxPorts, "port")} at once.`);
  }
  return [[...tcp], [...udp]];
}

// The ports of a list that can be checked from here: those of TCP.
export function parse(text, maxPorts) {
  const [tcp, udp] = lists(text, maxPorts);
  if (tcp.length === 0) {
    throw new Error(`This page cannot check ${spoken(udp, udpServiceName)} over UDP: a browser cannot answer. The command below can.`);
  }
  return tcp;
}

// The ports of a list that are UDP's, by what was written or by the service that they are known for.
export function overUdp([tcp, udp]) {
  return [...udp, ...(tcp.length <= MAX_PORTS_NAMED ? tcp.filter((port) => UDP_SERVICES.has(port)) : [])];
}

// Ports as first and last of each range, in ascending order.
function ranges(ports) {
  const found = [];
  for (const port of [...ports].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && last[1] + 1 === port) last[1] = port;
    else found.push([port, port]);
  }
  return found;
}

// "7466,50800-50899", for a command line, a link or the storage of this device.
export function compact(ports) {
  return ranges(ports).map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}

// Ports of both transports for a command line: "7466 51820/udp".
export function compactBoth([tcp, udp]) {
  const ofUdp = compact(udp).split(",").filter(Boolean).map((range) => `${range}/udp`);
  return [compact(tcp), ...ofUdp].filter(Boolean).join(" ");
}

// The same for people: with names where there are few, and without an end of thousands.
export function spoken(ports, nameOf = serviceName) {
  const all = ranges(ports);
  const named = ports.length <= MAX_PORTS_NAMED;
  const shown = all.slice(0, MAX_RANGES_SHOWN).map(([from, to]) => {
    if (from !== to) return `${from}–${to}`;
    const name = named ? nameOf(from) : "";
    return name ? `${from} (${name})` : `${from}`;
  });
  const more = all.length - shown.length;
  return shown.join(", ") + (more > 0 ? ` and ${plural(more, "more range")}` : "");
}
