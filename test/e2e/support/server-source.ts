/**
 * The app of these tests: one plain server, no handler for signals, nothing but Node. What a version does wrong stands
 * in its behaviour.json, so that a commit is a version.
 */
export interface Behaviour {
  /** Told in the header `x-app` of each answer. */
  readonly name: string;
  /** Part of the answers (but those of the health path) that are 500: spread evenly, so that chance sets nothing aside. */
  readonly fails?: number;
  /** Only answers to requests of this path may be 500. */
  readonly failsAt?: string;
  readonly listens?: "nowhere" | "elsewhere";
  readonly diesAfterMs?: number;
  /** The health path answers with 302. */
  readonly redirects?: boolean;
  readonly needsEnvFile?: boolean;
  /** Memory that it holds for nothing. */
  readonly ballastBytes?: number;
  /** Until it listens. */
  readonly startMs?: number;
  /** From its start until the health path says so; until then each answer carries the header `x-not-ready`. */
  readonly readyAfterMs?: number;
  /** The first answers of a process, which are worse than those that follow: its caches are empty. */
  /** A column of the database's orders that it asks for; of the app of the rehearsal alone. */
  readonly needs?: string;
  readonly cold?: { readonly answers: number; readonly waitMs?: number; readonly fails?: number };
}

export const SERVER_SOURCE = `
const http = require("node:http");
const fs = require("node:fs");
const path = require("node:path");
const behaviour = JSON.parse(fs.readFileSync(path.join(__dirname, "behaviour.json"), "utf8"));
if (process.env.START_LOG) fs.appendFileSync(process.env.START_LOG, behaviour.name + "\\n");
if (behaviour.needsEnvFile) {
  try { fs.readFileSync(path.join(__dirname, ".env")); }
  catch { console.error("SHOP_DATABASE is not set"); process.exit(1); }
}
if (behaviour.diesAfterMs) setTimeout(() => { console.error("the disk of my dreams is full"); process.exit(7); }, behaviour.diesAfterMs);
globalThis.ballast = Buffer.alloc(behaviour.ballastBytes ?? 0, 1);
const readyAt = Date.now() + (behaviour.readyAfterMs || 0);
const fails = behaviour.fails ?? 0;
let asked = 0;
let served = 0;
const server = http.createServer((request, response) => {
  const isReady = Date.now() >= readyAt;
  if (!isReady) response.setHeader("x-not-ready", "yes");
  const url = new URL(request.url, "http://app");
  response.setHeader("x-app", behaviour.name);
  response.setHeader("x-pid", String(process.pid));
  response.setHeader("x-service", process.env.SERVICE ?? "web");
  if (url.pathname === "/health") {
    if (behaviour.redirects) { response.writeHead(302, { location: "/login" }); return response.end("go to the login"); }
    if (!isReady) response.writeHead(503);
    return response.end(isReady ? "fine" : "not yet");
  }
  if (url.pathname === "/deps") {
    response.writeHead(503);
    return response.end("the database is away");
  }
  const note = (what) => process.env.SERVE_LOG && fs.appendFileSync(process.env.SERVE_LOG, behaviour.name + what + "\\n");
  note(" begins");
  request.resume();
  request.on("end", () => {
    const cold = (served += 1) <= (behaviour.cold?.answers ?? 0) ? behaviour.cold : {};
    const wait = Number(url.searchParams.get("ms") ?? 0) + (cold.waitMs ?? 0);
    setTimeout(() => {
      const mayFail = behaviour.failsAt === undefined || url.pathname === behaviour.failsAt;
      const part = cold.fails ?? fails;
      const isBad = mayFail && Math.floor((asked += 1) * part) > Math.floor((asked - 1) * part);
      response.writeHead(isBad ? 500 : 200, { "content-type": "text/plain" });
      if (isBad) console.error("TypeError: cart.total is undefined in " + behaviour.name);
      // Before the answer leaves: from then on the next may begin elsewhere.
      note(" ends");
      response.end(behaviour.name + " " + url.pathname + "\\n");
    }, wait);
  });
});
const port = behaviour.listens === "elsewhere" ? 0 : Number(process.env.PORT);
if (behaviour.listens === "nowhere") { console.log("thinking about it"); setInterval(() => {}, 1000); }
else setTimeout(() => server.listen(port, "127.0.0.1", () => console.log(behaviour.name + " listens")), behaviour.startMs ?? 0);
`;

/** A worker: writes down every second of its life which version took work. */
export const WORKER_SOURCE = `
const fs = require("node:fs");
const path = require("node:path");
const { name } = JSON.parse(fs.readFileSync(path.join(__dirname, "behaviour.json"), "utf8"));
const say = (what) => fs.appendFileSync(process.env.WORK_LOG, name + " " + what + "\\n");
say("begins");
process.on("SIGTERM", () => { say("ends"); process.exit(0); });
setInterval(() => {}, 1000);
`;
