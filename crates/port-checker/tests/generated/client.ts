// Uses openapi-fetch with the types that openapi-typescript generated, and prints the answers as JSON.
// It takes from the environment the URL of a checker, that of one of a later version (NEWER), and the ports OPEN,
// CLOSED, TLS and UDP, and the CHALLENGE that the last answers with.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

declare const process: { env: Record<string, string | undefined> };

type PortResult = components["schemas"]["PortResult"];

const { URL: baseUrl, NEWER, CHALLENGE } = process.env;
const port = (name: string) => Number(process.env[name]);
const [open, closed, tlsPort, udpPort] = [port("OPEN"), port("CLOSED"), port("TLS"), port("UDP")];

/** The fields of a port, read through the types. */
const described = ({ accessible, error, reason }: PortResult) => [accessible, error, reason === "refused"];

/** The value, or an error if there is none. */
function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("it is missing");
  return value;
}

/** The verdict about a UDP port. */
async function ofUdp() {
  const { data } = await client.POST("/check-ports", {
    body: { ports: [udpPort], transport: "udp", challenge: present(CHALLENGE), verbose: true },
  });
  const verdict = present(data);
  if (typeof verdict === "string") throw new Error("JSON was asked for");
  const { accessible, challenge } = present(verdict.results[udpPort]);
  return [accessible, challenge];
}

/** Words of a checker of a later version, as they were sent. */
async function ofNewer() {
  const client = createClient<paths>({ baseUrl: NEWER });
  const verdict = present((await client.POST("/check-ports", { body: { ports: [1], verbose: true } })).data);
  if (typeof verdict === "string") throw new Error("JSON was asked for");
  const { accessible, reason, challenge, icmp } = present(verdict.results[1]);
  const { error, response } = await client.POST("/check-ports", { body: { ports: [2] } });
  // To compare words that a type does not admit is an error of the compiler.
  if (reason !== "eaten" || challenge !== "growled" || error?.detail.code !== "OUT_OF_INK") {
    throw new Error("other words were sent");
  }
  return [accessible, reason, challenge, icmp?.message, response.status, error.detail.code];
}

const client = createClient<paths>({ baseUrl });
const checked = present((await client.POST("/check-ports", {
  body: { ports: [open, closed], provider_ip: "127.0.0.1", verbose: true },
  headers: { Accept: "application/json" },
})).data);
if (typeof checked === "string") throw new Error("JSON was asked for");
const refused = await client.POST("/check-ports", { body: { ports: [open], provider_ip: "home.example" } });
const { detail } = present(refused.error);
const own = present((await client.GET("/port/{port}", { params: { path: { port: open } } })).data);
const tls = present((await client.POST("/check-tls", { body: { host: "localhost", port: tlsPort } })).data);
const alive = present((await client.GET("/health")).data);
const working = present((await client.GET("/ready")).data);
const newer = await ofNewer();

console.log(JSON.stringify({
  success: checked.success,
  message: checked.message,
  ports: Object.keys(checked.results).map(Number),
  open: described(present(checked.results[open])),
  closed: described(present(checked.results[closed])),
  udp: await ofUdp(),
  refused: [refused.response.status, detail.code === "INVALID_IP", detail.message],
  ip: present((await client.GET("/ip", { parseAs: "text" })).data),
  own: [own.ip, own.port, ...described(own)],
  tls: [tls.valid, tls.peer, tls.error, Date.parse(present(tls.not_after ?? undefined)) / 1000],
  status: [alive.status, working.status],
  newer,
}));
