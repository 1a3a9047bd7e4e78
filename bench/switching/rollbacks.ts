import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findProject } from "../../src/cli/project.ts";
import { loadPlanFile } from "../../src/config/load.ts";
import type { Engine, RequestBody } from "../../src/engine/api.ts";
import { createEngine } from "../../src/engine/engine.ts";
import type { Journal } from "../../src/ports/journal.ts";
import { assemble } from "../../src/wiring/assemble.ts";
import { until } from "../../test/support/until.ts";
import type { LoadCounts } from "../load/load-program.ts";
import { startLoad } from "../load/started-load.ts";
import { freePort } from "../measure/started-program.ts";
import { keptFolder } from "../measure/kept-folder.ts";
import type { UnderLoad } from "./under-load.ts";

const INSTANCE = fileURLToPath(new URL("../load/instance.ts", import.meta.url));
const TIDEGATE = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const CONNECTIONS = 16;
/** What a busy service gets; not all that the machine can do, because then the queues would be measured. */
const REQUESTS_PER_SECOND = 600;
const AT_SHARE_MS = 250;
const SETTLED_WITHIN_MS = 30_000;

export interface Rollbacks extends UnderLoad {
  /** From the decision in the journal to the last request that the candidate began, ms; 0: it began none after it. */
  readonly toLastRequestMs: readonly number[];
  /** From the decision to the share having been read back, ms. */
  readonly toReadBackMs: readonly number[];
  /** From the person's request to the decision in the journal, ms. */
  readonly toDecisionMs: readonly number[];
}

/**
 * Rolls back again and again under load, all of it real: engine, journal in SQLite, keeper, proxy, processes. Each time a
 * release has half of the traffic when a person asks for the rollback.
 */
export async function rollBack(folder: string, times: number): Promise<Rollbacks> {
  const port = await freePort();
  const plan = await planIn(folder, port);
  await using closing = new AsyncDisposableStack();
  closing.use(keptFolder(plan.project.state.path));
  const assembly = closing.use(
    await assemble({ ...plan, env: process.env, say: () => undefined, isFollowed: true }, [process.execPath, TIDEGATE]),
  );
  const start = await createEngine(assembly.ports, { ...assembly.options, patrol: false });
  if (start.kind === "another-acts") throw new Error("Another engine acts in a folder that was made just now.");
  const engine = closing.use(start.engine);
  const release = (version: string): Promise<number> =>
    ask(engine, { kind: "release", plan: plan.plan, version, supersede: false });

  await settled(engine, await release("v1"));
  const load = closing.use(startLoad(port, CONNECTIONS, REQUESTS_PER_SECOND));
  await until("the load to be served", async () => (await load.counts()).requests > 100);
  const rounds: Round[] = [];
  const before = new Set(Object.keys((await load.counts()).lastBegun));
  for (let round = 0; round < times; round += 1) {
    const id = await release("v2");
    await until("half of the traffic", async () => (await assembly.ports.traffic.read())?.table?.share === 5_000);
    await delay(AT_SHARE_MS);
    const askedAt = Date.now();
    await ask(engine, { kind: "command", command: { kind: "rollback" } }, id);
    await settled(engine, id);
    rounds.push(await roundOf(assembly.ports.journal, id, askedAt, await load.counts(), before));
  }
  const { requests, failed, failures, byVersion } = await load.stop();
  return {
    what: `${times} rollbacks from 50 %, at ${REQUESTS_PER_SECOND} requests/s`,
    count: times,
    requests,
    failed,
    failures,
    byVersion,
    toLastRequestMs: rounds.map(({ toLastRequestMs }) => toLastRequestMs),
    toReadBackMs: rounds.map(({ toReadBackMs }) => toReadBackMs),
    toDecisionMs: rounds.map(({ toDecisionMs }) => toDecisionMs),
  };
}

interface Round {
  readonly toLastRequestMs: number;
  readonly toReadBackMs: number;
  readonly toDecisionMs: number;
}

/** By the journal's own times and by the instance's: both are of this machine's clock, in whole milliseconds. */
async function roundOf(
  journal: Journal,
  id: number,
  askedAt: number,
  { lastBegun }: LoadCounts,
  before: Set<string>,
): Promise<Round> {
  const events = await journal.read(id);
  const decided = events.find(({ event }) => event.type === "rollback-decided");
  const confirmed = events.find(
    ({ event, seq }) =>
      seq > (decided?.seq ?? Infinity) && event.type === "effect-confirmed" && event.observed["sharePercent"] === 0,
  );
  const own = Object.keys(lastBegun).filter((instance) => !before.has(instance));
  if (decided === undefined || confirmed === undefined || own.length === 0)
    throw new Error(`Release ${id} was not rolled back from a share of the traffic.`);
  for (const instance of own) before.add(instance);
  const last = Math.max(...own.map((instance) => lastBegun[instance] ?? 0));
  return {
    toLastRequestMs: Math.max(0, last - decided.at.wall),
    toReadBackMs: confirmed.at.wall - decided.at.wall,
    toDecisionMs: decided.at.wall - askedAt,
  };
}

async function ask(engine: Engine, body: RequestBody, release: number | null = null): Promise<number> {
  const answer = await engine.ask(body, release, "bench");
  if (answer.kind === "refused") throw new Error(`Refused: ${answer.fault.what}`);
  return answer.release;
}

async function settled(engine: Engine, id: number): Promise<void> {
  const { state, sentence } = await Promise.race([
    engine.untilSettled(id),
    delay(SETTLED_WITHIN_MS, null, { ref: false }).then(() => {
      throw new Error(`Release ${id} does not come to rest.`);
    }),
  ]);
  if (state === "failed") throw new Error(`Release ${id} failed: ${sentence}`);
}

/** A repository of two versions, and a plan that waits at half of the traffic. */
async function planIn(folder: string, port: number) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "tidegate.yaml"),
    `app: bench
services:
  web:
    run: exec ${process.execPath} ${INSTANCE}
    health: { ready: /health, every: 200ms, timeout: 2s }
    drain: 5s
    stopWithin: 2s
traffic: { embedded: ${port} }
steps:
  - start
  - shift: 50%
    for: 10m
  - shift: 100%
    for: 1s
  - retire
`,
  );
  const git = (...args: string[]): unknown =>
    execFileSync("git", ["-c", "user.name=bench", "-c", "user.email=bench@example.com", ...args], { cwd: folder });
  git("init", "--quiet", "--initial-branch=main");
  for (const version of ["v1", "v2"]) {
    writeFileSync(join(folder, "version"), version);
    git("add", "tidegate.yaml", "version");
    git("commit", "--quiet", "--message", version);
    git("tag", version);
  }
  const { plan } = await loadPlanFile({ cwd: folder, env: process.env });
  const whereabouts = { cwd: folder, file: undefined, environment: undefined, state: undefined, env: {} };
  return { plan, project: findProject(whereabouts) };
}
