import { equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Reading, SourceFrom } from "../../src/core/plan/source.ts";
import type { Metrics } from "../../src/ports/metrics.ts";
import { sourceOf, SUBJECT } from "../metrics/stand.ts";

/** A kind of source in every state in which it may be met. */
export interface MetricsWorld extends AsyncDisposable {
  readonly metrics: Metrics;
  readonly good: SourceFrom;
  /** Whether a value is what the good one says of a version. */
  isFigureOf(version: string, value: number): boolean;
  /** Has nothing to say of any version; undefined for what always has. */
  readonly empty?: SourceFrom;
  readonly away: SourceFrom;
  /** Answers once, and with what is no figure. */
  readonly nonsense: SourceFrom;
  /** Answers with much more than a figure. */
  readonly flood: SourceFrom;
  readonly hangs: SourceFrom;
  /** Refuses whoever comes with this secret, and may repeat it. */
  readonly locked: { readonly from: SourceFrom; readonly secret: string };
}

/** What is asked may hang for so long; whoever waits for the whole of a test's time has found a defect. */
const SHORT_MS = 300;

/** What every source of figures promises. */
export function metricsContract(name: string, make: () => Promise<MetricsWorld>): void {
  describe(`metrics: ${name}`, () => {
    const asked = (
      { metrics }: MetricsWorld,
      from: SourceFrom,
      { version = "v2", timeoutMs = 5_000, signal = new AbortController().signal } = {},
    ): Promise<Reading> => metrics.ask(sourceOf(from, { timeoutMs }), { ...SUBJECT, version }, signal);

    it("gives one number about the version that is meant, of two that are asked about at once too", async () => {
      await using world = await make();
      const versions = ["v1", "v2.10", "9f2c1e4a"];
      const all = await Promise.all(versions.map((version) => asked(world, world.good, { version })));
      for (const [index, version] of versions.entries()) assertFigure(world, all[index], version);
    });

    it("is never taken for a figure where there is none, and says why in one line", async () => {
      await using world = await make();
      const { empty, away, nonsense, flood } = world;
      for (const from of [away, nonsense, flood]) assertDown(await asked(world, from));
      if (empty !== undefined) equal((await asked(world, empty)).kind, "no-data");
    });

    it("is down when it takes longer than its time, and when nobody wants to know any more", async () => {
      await using world = await make();
      assertDown(await asked(world, world.hangs, { timeoutMs: SHORT_MS }));
      const left = new AbortController();
      const waiting = asked(world, world.hangs, { timeoutMs: 120_000, signal: left.signal });
      left.abort();
      assertDown(await waiting);
      assertDown(await asked(world, world.hangs, { timeoutMs: SHORT_MS, signal: left.signal }));
    });

    it("gives figures again after all of that", async () => {
      await using world = await make();
      for (const from of [world.away, world.nonsense]) await asked(world, from);
      await asked(world, world.hangs, { timeoutMs: SHORT_MS });
      assertFigure(world, await asked(world, world.good), "v2");
    });

    it("tells no secret by which it was asked", async () => {
      await using world = await make();
      const reading = await asked(world, world.locked.from);
      assertDown(reading);
      const text = JSON.stringify(reading);
      for (const form of formsOf(world.locked.secret)) ok(!text.includes(form), text);
    });
  });
}

function assertFigure(world: MetricsWorld, reading: Reading | undefined, version: string): void {
  ok(reading?.kind === "value" && world.isFigureOf(version, reading.value), `${version}: ${JSON.stringify(reading)}`);
}

function assertDown(reading: Reading): void {
  ok(reading.kind === "down", JSON.stringify(reading));
  match(reading.why, /^.{1,400}$/);
}

/** As it is sent: in an address, and in a header. */
function formsOf(secret: string): readonly string[] {
  return [secret, encodeURIComponent(secret), Buffer.from(`gate:${secret}`).toString("base64")];
}
