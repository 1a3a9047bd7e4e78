import { bucketOf } from "../../src/core/analysis/histogram.ts";
import type { Message } from "../../src/core/release/effect.ts";
import type { SecondRow } from "../../src/core/observation.ts";
import type { Plan } from "../../src/core/plan/plan.ts";
import { SECOND } from "../../src/core/time/time.ts";
import { twinName } from "../../src/core/traffic/routing.ts";
import { twinShare } from "../../src/core/traffic/share.ts";
import { createManualClock, type ManualClock } from "../../src/adapters/clock/manual.ts";
import { createMemoryJournal, type MemoryJournal } from "../../src/adapters/journal/memory.ts";
import { createMemoryRuntime, type MemoryRuntime } from "../../src/adapters/runtime/memory.ts";
import type { Engine, EngineOptions, Ports, RequestAnswer } from "../../src/engine/api.ts";
import { createEngine } from "../../src/engine/engine.ts";
import { createMemoryDatabase, type MemoryDatabase } from "../../src/adapters/database/memory.ts";
import { createMemoryEmergencyLog, type MemoryEmergencyLog } from "../../src/adapters/emergency/memory.ts";
import { createMemoryMetrics, type MemoryMetrics } from "../../src/adapters/metrics/memory.ts";
import { createMemoryTraffic, type MemoryTraffic } from "../../src/adapters/traffic/memory.ts";

export interface EngineUnderTest {
  readonly clock: ManualClock;
  readonly journal: MemoryJournal;
  readonly runtime: MemoryRuntime;
  readonly traffic: MemoryTraffic;
  readonly emergencies: MemoryEmergencyLog;
  readonly metrics: MemoryMetrics;
  readonly database: MemoryDatabase;
  readonly commands: string[];
  readonly messages: Message[];
  /** What smoke flows find; null: they pass. */
  smokeFails: string | null;
  /** Requests a second on each version, as the table shares them, of which so many fail. */
  load: { perSecond: number; badShare: Readonly<Record<string, number>>; ms?: Readonly<Record<string, number>> };
  readonly ports: Ports;
  start(options?: Partial<EngineOptions>): Promise<Engine>;
  /** Starts a release and answers what the engine says. */
  release(
    engine: Engine,
    plan: Plan,
    version: string,
    more?: { readonly supersede?: boolean; readonly adopt?: string },
  ): Promise<RequestAnswer>;
  /** Lets time pass second by second, with load. */
  pass(ms: number, stepMs?: number): Promise<void>;
  /** Lets time pass until it is so, or fails after a while of virtual time. */
  until(isSo: () => boolean | Promise<boolean>, withinMs?: number): Promise<void>;
}

const START = 1_700_000_000_000;
const PARTS = 5;
const TURNS = 4;

/** The real engine and core on a clock moved by hand, with a runtime and a data plane that exist in memory only. */
export function engineUnderTest(): EngineUnderTest {
  const clock = createManualClock(START);
  const journal = createMemoryJournal();
  const runtime = createMemoryRuntime({ clock });
  const traffic = createMemoryTraffic({ clock });
  const emergencies = createMemoryEmergencyLog();
  const metrics = createMemoryMetrics();
  const database = createMemoryDatabase({ clock });
  const commands: string[] = [];
  const messages: Message[] = [];

  const pushLoad = (): void => {
    // The plane's clock is steady, as the proxy's is.
    const second = Math.floor((START + clock.monotonic()) / SECOND) - 2;
    const { table } = traffic;
    if (table === null) return;
    const share = table.share / 10_000;
    const ofTwin = table.twin === undefined ? 0 : twinShare(table.share) / 10_000;
    const sides: readonly (readonly [string | undefined, number])[] = [
      [table.stable?.version, 1 - share - ofTwin],
      [table.twin === undefined ? undefined : twinName(table.twin.version), ofTwin],
      [table.candidate?.version, share],
    ];
    for (const [version, part] of sides)
      if (version !== undefined && part > 0) traffic.push(row(second, version, part));
  };
  const row = (second: number, version: string, part: number): SecondRow => {
    const requests = Math.round(under.load.perSecond * part);
    const bad = Math.round(requests * (under.load.badShare[version] ?? 0));
    return {
      second,
      version,
      requests,
      status: { ok: requests - bad, redirect: 0, client: 0, server: bad, failed: 0 },
      latency: requests === 0 ? {} : { [bucketOf(under.load.ms?.[version] ?? 20)]: requests },
      webSockets: { opened: 0, failed: 0 },
      worst: bad === 0 ? [] : [{ route: "POST /checkout", requests, bad, status: 500 }],
      mixed: false,
    };
  };

  const ports: Ports = {
    clock,
    journal,
    runtime,
    traffic,
    health: {
      http: async (url) => {
        const ok = runtime.isReady(new URL(url).host);
        return { at: clock.wall(), ok, status: ok ? 200 : 503, tookMs: 1, text: ok ? "ok" : "not yet" };
      },
      tcp: async (address) => ({ at: clock.wall(), ok: runtime.isReady(address), tookMs: 1, text: "" }),
    },
    smoke: {
      run: async (flows) => ({
        passed: under.smokeFails === null,
        flows: flows.map(({ name }) => ({
          name,
          passed: under.smokeFails === null,
          tookMs: 1,
          ...(under.smokeFails === null ? {} : { failure: under.smokeFails }),
        })),
      }),
    },
    warmer: { warm: async () => ({ warm: true, rounds: 1, slowestMs: 5, detail: "warm" }) },
    checker: { check: async () => ({ passed: true, detail: "fine" }) },
    commands: {
      run: async (command) => {
        commands.push(command);
        return { code: 0, signal: null, timedOut: false, output: [], tookMs: 1 };
      },
    },
    metrics,
    databases: database,
    notifier: { deliver: async (message) => void messages.push(message) },
    evidence: { gather: async () => ({ routes: [], lines: [], commits: [], missing: [] }) },
    emergencies,
  };

  const under: EngineUnderTest = {
    clock,
    journal,
    runtime,
    traffic,
    emergencies,
    metrics,
    database,
    commands,
    messages,
    smokeFails: null,
    load: { perSecond: 200, badShare: {} },
    ports,
    start: async (options = {}) => {
      const start = await createEngine(ports, { engineToken: "token", secrets: {}, patrol: false, ...options });
      if (start.kind !== "acting") throw new Error("Another engine acts.");
      return start.engine;
    },
    release: async (engine, plan, version, more = {}) => {
      const answer = engine.ask(
        {
          kind: "release",
          plan,
          version,
          supersede: more.supersede ?? false,
          ...(more.adopt === undefined ? {} : { adopt: more.adopt }),
        },
        null,
        "ann",
      );
      let settled: RequestAnswer | null = null;
      void answer.then((value) => (settled = value));
      await under.until(() => settled !== null);
      return answer;
    },
    pass: async (ms, stepMs = SECOND) => {
      for (let left = ms; left > 0; left -= stepMs) {
        pushLoad();
        const step = Math.min(stepMs, left);
        // In parts, with turns of the event loop between them: time must not run ahead of the engine's answers.
        for (let part = 0; part < PARTS; part += 1) {
          await clock.advance(step / PARTS);
          for (let turn = 0; turn < TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        }
      }
    },
    until: async (isSo, withinMs = 15 * 60 * SECOND) => {
      for (let left = withinMs; left > 0; left -= SECOND) {
        if (await isSo()) return;
        await under.pass(SECOND);
      }
      if (!(await isSo())) throw new Error(`Not so within ${withinMs} ms of virtual time.`);
    },
  };
  return under;
}
