import { deepEqual, equal, ok } from "node:assert/strict";
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, describe, it } from "node:test";
import { bucketOf, quantile } from "../../src/core/analysis/histogram.ts";
import type { SecondRow } from "../../src/core/observation.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../../src/core/time/time.ts";
import { MinuteSums, sumOf } from "../../src/proxy/minute-sums.ts";
import { PastFigures } from "../../src/proxy/past-figures.ts";
import { temporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";

const NOON = Date.UTC(2026, 0, 6, 12);

describe("what a data plane remembers of other days", () => {
  let folder: TemporaryFolder | null = null;
  afterEach(async () => {
    await folder?.[Symbol.asyncDispose]();
    folder = null;
  });

  it("are sums of each minute: of all requests, and of what stable served", async () => {
    folder = temporaryFolder();
    const { past, pass } = begun(folder.path);
    pass(60, (second) => [
      [row(second, 10, { bad: 1, ms: 20 }), "stable"],
      [row(second, 5, { bad: 5, ms: 500 }), "candidate"],
    ]);
    // The share changes in this second: nobody knows who served what.
    pass(1, (second) => [[{ ...row(second, 10, { ms: 20 }), mixed: true }, "stable"]]);
    pass(70, () => []);
    const { countedMs, requests, stable } = await past.between(NOON, NOON + 2 * MINUTE);
    deepEqual([countedMs, requests, stable.requests, stable.bad], [2 * MINUTE, 910, 600, 60]);
    // In wider buckets, and never below.
    const median = quantile(stable.latency, 0.5) ?? 0;
    ok(median >= 20 && median <= 20 * 1.05, `${median}`);
    equal((await past.between(NOON + 2 * MINUTE, NOON + HOUR)).countedMs, 0, "a minute that is not over counts");
  });

  it("outlive the process, which loses a minute at most", async () => {
    folder = temporaryFolder();
    const first = begun(folder.path);
    first.pass(150, (second) => [[row(second, 10, { ms: 20 }), "stable"]]);
    const file = folder.file("2026-01-06.jsonl");
    await until("two minutes are written", () => existsSync(file) && readFileSync(file, "utf8").split("\n").length > 2);
    // It is killed: nobody hands over. Half a line of what it wrote last is there.
    appendFileSync(file, '\n{"at":17677');
    const second = begun(folder.path, NOON + 3 * MINUTE);
    deepEqual((await second.past.between(NOON, NOON + HOUR)).stable.requests, 1_200);
    second.pass(130, (at) => [[row(at, 1, { ms: 20 }), "stable"]]);
    await second.past.handOver();
    const third = begun(folder.path, NOON + 6 * MINUTE);
    const { stable, countedMs } = await third.past.between(NOON, NOON + HOUR);
    deepEqual([stable.requests, countedMs], [1_330, 250 * SECOND]);
    equal(readFileSync(file, "utf8").includes("candidate"), false);
  });

  it("go over with what is open to the process that takes over, and each row counts once", async () => {
    folder = temporaryFolder();
    const old = begun(folder.path);
    old.pass(30, (second) => [[row(second, 10, { ms: 20 }), "stable"]]);
    await old.past.handOver();
    const next = begun(folder.path, NOON + 30 * SECOND);
    // The old one still finishes what it has; the new one is told.
    old.pass(10, (second) => [[row(second, 1, { ms: 20 }), "stable"]]);
    next.pass(10, (second) => [
      [row(second, 10, { ms: 20 }), "stable"],
      [row(second, 1, { ms: 20 }), "stable"],
    ]);
    next.pass(90, () => []);
    const { stable } = await next.past.between(NOON, NOON + MINUTE);
    equal(stable.requests, 300 + 110);
    // The new one dies, and the old one is in charge again.
    old.past.goOn();
    old.pass(10, (second) => [[row(second, 1, { ms: 20 }), "stable"]]);
    await old.past.handOver();
    equal((await begun(folder.path, NOON + HOUR).past.between(NOON, NOON + MINUTE)).stable.requests, 420);
  });

  it("are a week of them, in ten minutes after a day, in few megabytes", () => {
    const sums = new MinuteSums();
    const busy = Array.from({ length: 200 }, (_, index) => [400 + 4 * index, 1 + index] as const);
    const latency = Object.fromEntries(busy);
    const from = NOON - 8 * DAY;
    for (let at = from; at < NOON; at += MINUTE) {
      sums.add({ ...sumOf({ ...row(0, 20_100), latency }, "stable", at), seconds: 60 });
      sums.age(at);
    }
    const all = sums.all();
    ok(all.length <= 26 * 60 + 7 * 24 * 6 + 12, `${all.length} sums`);
    const bytes = all.reduce((sum, { stable }) => sum + 4 * (stable?.latency?.length ?? 0) + 400, 0);
    ok(bytes < 6e6, `${bytes} bytes`);
    const lastWeek = sums.between(NOON - 7 * DAY, NOON - 7 * DAY + HOUR / 2);
    deepEqual([lastWeek.countedMs, lastWeek.stable.requests], [HOUR / 2, 30 * 20_100]);
    const yesterday = sums.between(NOON - DAY + MINUTE, NOON - DAY + 2 * MINUTE);
    equal(yesterday.stable.requests, 20_100);
    equal(sums.between(from, from + DAY / 2).countedMs, 0);
  });

  it("have what features are made of, as far as it was counted", async () => {
    folder = temporaryFolder();
    const { past, pass } = begun(folder.path);
    const features = { checkout: { requests: 2, bad: 1, latency: { [bucketOf(50)]: 2 } } };
    pass(60, (second) => [[{ ...row(second, 10, { ms: 20 }), features }, "stable"]]);
    pass(10, () => []);
    const { checkout } = (await past.between(NOON, NOON + MINUTE)).features;
    deepEqual([checkout?.requests, checkout?.bad], [120, 60]);
  });

  it("forget a damaged line and nothing else, and remove the files of more than a week", async () => {
    folder = temporaryFolder();
    const good = { at: NOON - HOUR, seconds: 60, requests: 5, stable: { requests: 5, latency: [400, 5] } };
    const bad = [{ ...good, requests: -1 }, { ...good, stable: { requests: "x" } }, { at: NOON }, null, 7];
    const text = [good, ...bad].map((each) => JSON.stringify(each)).join("\n");
    writeFileSync(folder.file("2026-01-06.jsonl"), text);
    writeFileSync(folder.file("2025-12-20.jsonl"), text);
    writeFileSync(folder.file("notes.txt"), "mine");
    const { past } = begun(folder.path);
    const { requests, stable } = await past.between(NOON - 2 * HOUR, NOON);
    deepEqual([requests, stable.requests], [5, 5]);
    const old = folder.file("2025-12-20.jsonl");
    await until("it is removed", () => !existsSync(old));
    deepEqual(readdirSync(folder.path).toSorted(), ["2026-01-06.jsonl", "notes.txt"]);
  });
});

type Rows = readonly (readonly [SecondRow, "stable" | "candidate" | null])[];

/** One that began at a moment; `pass` lets seconds go by, with what was counted in each. */
function begun(folder: string, at = NOON) {
  let now = at;
  const past = new PastFigures(
    folder,
    () => now,
    () => now,
  );
  const pass = (seconds: number, rows: (second: number) => Rows): void => {
    for (let index = 0; index < seconds; index += 1) {
      const second = Math.floor(now / SECOND);
      now += SECOND;
      for (const [each, side] of rows(second)) past.take(each, side);
      past.look();
    }
  };
  return { past, pass };
}

function row(second: number, requests: number, { bad = 0, ms = 20 } = {}): SecondRow {
  return {
    second,
    version: "v1",
    requests,
    status: { ok: requests - bad, redirect: 0, client: 0, server: bad, failed: 0 },
    latency: { [bucketOf(ms)]: requests },
    webSockets: { opened: 0, failed: 0 },
    worst: [],
    mixed: false,
  };
}
