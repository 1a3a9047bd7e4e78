import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { describe, it } from "node:test";
import { paint } from "../../src/cli/render/style.ts";
import { widthOf } from "../../src/cli/render/text.ts";
import type { LoadSecond } from "../../src/demo/load-report.ts";
import { picture } from "../../src/demo/show/picture.ts";
import { openingScene, type Scene, withAct, withNews, withSecond } from "../../src/demo/show/scene.ts";
import { figuresLine } from "../../src/demo/show/views.ts";
import { MANY_STEPS, SHIFTING } from "../cli/support/statuses.ts";

const START = Date.UTC(2026, 0, 5, 8);
const NOW = START + 34_000;

const SECOND: LoadSecond = {
  type: "load-second",
  at: NOW - 500,
  second: 30,
  versions: {
    v1: { requests: 285, appErrors: 0, failedRequests: 0, p50Ms: 2, p95Ms: 9 },
    v2: { requests: 15, appErrors: 3, failedRequests: 0, p50Ms: 3, p95Ms: 461 },
  },
  requests: 300,
  failedRequests: 0,
  appErrors: 3,
  inFlight: 2,
  webSockets: 20,
  totals: { requests: 9_120, failedRequests: 0, appErrors: 3 },
};

const OPENING = openingScene("http://127.0.0.1:40123", START);

const SHARED: Scene = {
  ...withSecond(withAct(withAct(OPENING, "v1", "promoted"), "v2", "running"), SECOND),
  serving: "v1",
  candidate: "v2",
  sharePercent: 5,
  status: { at: NOW - 1_000, value: SHIFTING },
};

function drawn(scene: Scene, width = 100, rows = 27, style: { colours?: boolean; unicode?: boolean } = {}): string[] {
  return [...picture(scene, NOW, rows, { width, colours: style.colours ?? false, unicode: style.unicode ?? true })];
}

describe("the demo's picture", () => {
  it("says which version serves, how much each gets, and how well each does", () => {
    const text = drawn(SHARED).join("\n");
    assert.match(text, /v1 95% +5% v2/);
    assert.match(text, /█{95}▒{5}/);
    assert.match(text, /v1 stable +285 +0\.00% +9ms +95\.0% +2ms/);
    assert.match(text, /v2 candidate +15 +20\.00% +461ms +5\.0% +3ms/);
    assert.match(text, /9 120 served, 0 failed/);
    assert.match(text, /http:\/\/127\.0\.0\.1:40123 · 34s/);
  });

  it("has no rate of a version any more that nobody is sent to, though it had one in the seconds before", () => {
    const { v1 } = SECOND.versions;
    assert.equal(
      figuresLine(SHARED),
      "9 120 requests, 0 failed · last 5s: v1 285/s, errors 0%, p95 9ms · v2 15/s, errors 20%, p95 461ms",
    );
    const after = withSecond(SHARED, { ...SECOND, second: 31, versions: v1 === undefined ? {} : { v1 } });
    assert.equal(figuresLine(after), "9 120 requests, 0 failed · last 5s: v1 285/s, errors 0%, p95 9ms");
    assert.match(drawn(after).join("\n"), /v2 candidate +- +- +-/);
  });

  it("shows the keys whatever the size of the window, and never more than fits in it", () => {
    const busy = Array.from({ length: 8 }, (_, i) => i).reduce<Scene>(
      (scene, i) =>
        withNews(scene, { at: START + i, tone: "plain", sentence: `Something happened. ${"And more. ".repeat(12)}` }),
      { ...SHARED, status: { at: NOW, value: MANY_STEPS } },
    );
    for (const scene of [OPENING, SHARED, busy])
      for (const width of [72, 80, 100, 140])
        for (const rows of [23, 27, 50]) {
          const lines = drawn(scene, width, rows, { colours: true });
          assert.ok(lines.length <= rows, `${lines.length} lines in ${rows} rows, ${width} columns`);
          for (const line of lines) assert.ok(widthOf(line) <= width, line);
          assert.match(stripVTControlCharacters(lines.slice(-2).join(" ")), /kill -9 the controller +q quit/);
        }
  });

  it("keeps its height while what happens changes, so that nothing jumps", () => {
    const heights = [OPENING, SHARED, { ...SHARED, status: null }, { ...SHARED, isUnattended: true }].map(
      (scene) => drawn(scene).length,
    );
    assert.deepEqual(new Set(heights).size, 1, String(heights));
  });

  it("says that nobody acts while nobody does, instead of a time of decision that nobody keeps", () => {
    const text = drawn({ ...SHARED, isUnattended: true }).join("\n");
    assert.match(text, /Nobody acts on the release/);
    assert.doesNotMatch(text, /Next decision/);
  });

  it("counts the time to the next decision down between two looks", () => {
    const left = SHIFTING.current?.nextDecisionInMs ?? 0;
    const seconds = Math.ceil((left - 1_000) / 1_000);
    assert.ok(drawn(SHARED).join(" ").replaceAll(/\s+/g, " ").includes(`Next decision in ${seconds}s.`));
  });

  it("shows a key that was pressed, and the smallest share as more than nothing", () => {
    const broken = drawn({ ...SHARED, broken: ["errors"], sharePercent: 0.2 }, 100, 27, { colours: true });
    const pressed = paint({ width: 100, colours: true, unicode: true }, "bad", "e errors in v2");
    assert.ok(broken.at(-1)?.startsWith(pressed), broken.at(-1));
    assert.match(drawn({ ...SHARED, sharePercent: 0.2 }).join("\n"), /█{99}▒/);
  });

  it("needs no more than ASCII for its bar", () => {
    assert.match(drawn(SHARED, 100, 27, { unicode: false }).join("\n"), /#{95}\.{5}/);
  });
});
