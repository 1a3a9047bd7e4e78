import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { embeddedFigures } from "../../src/adapters/traffic/embedded-figures.ts";
import type { SecondRow } from "../../src/core/observation.ts";
import type { ProxyObservations } from "../../src/proxy/protocol.ts";

describe("figures of processes that take over from each other", () => {
  it("are told once each when the reader asks the new one from 0", async () => {
    const planes = new Planes();
    const read = embeddedFigures(planes.fetch);
    planes.count("one", 1, 2);
    const first = await read(0);
    planes.count("one", 3);
    planes.takeOver("two");
    planes.count("one", 4);
    planes.count("two", 10);
    assert.deepEqual(secondsOf(first), [1, 2]);
    assert.deepEqual(secondsOf(await read(0)), [3, 4, 10]);
    planes.count("one", 5);
    planes.count("two", 11);
    assert.deepEqual(secondsOf(await read(2)), [5, 11]);
    assert.deepEqual(secondsOf(await read(3)), []);
  });

  it("are told again to a reader who dropped them, because it expected another process", async () => {
    const planes = new Planes();
    const read = embeddedFigures(planes.fetch);
    planes.count("one", 1);
    const { next } = await read(0);
    planes.count("one", 2);
    planes.takeOver("two");
    planes.count("two", 10);
    await read(next);
    planes.count("one", 3);
    assert.deepEqual(secondsOf(await read(0)), [2, 3, 10]);
  });

  it("go on through more than one take-over", async () => {
    const planes = new Planes();
    const read = embeddedFigures(planes.fetch);
    planes.count("one", 1);
    await read(0);
    planes.takeOver("two");
    planes.count("two", 2);
    planes.takeOver("three");
    planes.count("one", 3);
    planes.count("three", 4);
    assert.deepEqual(
      secondsOf(await read(0)).toSorted((a, b) => a - b),
      [2, 3, 4],
    );
    assert.deepEqual(secondsOf(await read(2)), []);
  });
});

/** Processes, each with its rows; the last one is in charge and has those of the others. */
class Planes {
  readonly #rows = new Map<string, SecondRow[]>([["one", []]]);

  readonly fetch = (query: URLSearchParams): Promise<ProxyObservations> => {
    const cursors = new Map(
      query
        .getAll("earlier")
        .map((each) => each.split(":") as [string, string])
        .map(([id, at]) => [id, Number(at)]),
    );
    const batches = [...this.#rows].map(([proxy, all], index) => {
      const isInCharge = index === this.#rows.size - 1;
      const since = isInCharge ? Number(query.get("since")) : (cursors.get(proxy) ?? 0);
      const from = since <= 0 || since > all.length + 1 ? 1 : since;
      return { proxy, next: all.length + 1, rows: all.slice(from - 1), lost: 0 };
    });
    const own = batches.pop() as (typeof batches)[number];
    return Promise.resolve({ ...own, inFlight: {}, at: 0, earlier: batches.filter(({ rows }) => rows.length > 0) });
  };

  count(proxy: string, ...seconds: readonly number[]): void {
    this.#rows.get(proxy)?.push(...seconds.map(row));
  }

  takeOver(proxy: string): void {
    this.#rows.set(proxy, []);
  }
}

function row(second: number): SecondRow {
  return {
    second,
    version: "v1",
    requests: 1,
    status: { ok: 1, redirect: 0, client: 0, server: 0, failed: 0 },
    latency: {},
    webSockets: { opened: 0, failed: 0 },
    worst: [],
    mixed: false,
  };
}

function secondsOf({ rows }: { readonly rows: readonly SecondRow[] }): readonly number[] {
  return rows.map(({ second }) => second);
}
