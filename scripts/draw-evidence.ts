/** Draws docs/judge.svg: how the evidence goes for a healthy version, a slightly worse one and a bad one. node scripts/draw-evidence.ts */
import { writeFileSync } from "node:fs";
import { compare, type Comparison, evidenceOf, NO_COMPARISON } from "../src/core/analysis/evidence/comparison.ts";
import { createRandom } from "../src/core/analysis/statistics/random.ts";
import { NO_OPEN_STRATA, together } from "../src/core/analysis/evidence/strata.ts";
import { createTraffic } from "../src/core/forecast/traffic.ts";

const SECONDS = 300;
const COMPARISON: Comparison = {
  guards: [{ id: "errors", weight: 1, tolerance: 1.5 }],
  alpha: 0.01,
  plannedSeconds: SECONDS,
};
const CASES = [
  { name: "5% errors", candidateErrors: 0.05, seed: 4, colour: "#c8553d" },
  { name: "1.5% errors", candidateErrors: 0.015, seed: 3, colour: "#b8860b" },
  { name: "0.1%, as stable", candidateErrors: 0.001, seed: 2, colour: "#1f6f8b" },
];

const WIDTH = 760;
const HEIGHT = 320;
const PLOT = { left: 70, right: 620, top: 40, bottom: 270 };
const LOWEST = -2;
const HIGHEST = 4;

const x = (second: number): number => PLOT.left + ((PLOT.right - PLOT.left) * second) / SECONDS;
const y = (log10: number): number =>
  PLOT.bottom - ((PLOT.bottom - PLOT.top) * (Math.min(HIGHEST, Math.max(LOWEST, log10)) - LOWEST)) / (HIGHEST - LOWEST);

writeFileSync(new URL("../docs/judge.svg", import.meta.url), drawing());

function drawing(): string {
  const axis = Array.from({ length: HIGHEST - LOWEST + 1 }, (_, index) => LOWEST + index).map(
    (power) =>
      `<line x1="${PLOT.left}" y1="${y(power)}" x2="${PLOT.right}" y2="${y(power)}" stroke="#e5e5e5"/>` +
      `<text x="${PLOT.left - 8}" y="${y(power) + 4}" text-anchor="end" fill="#555555">${power < 0 ? 10 ** power : (10 ** power).toLocaleString("en")}</text>`,
  );
  const minutes = [0, 1, 2, 3, 4, 5].map(
    (minute) =>
      `<text x="${x(minute * 60)}" y="${PLOT.bottom + 20}" text-anchor="middle" fill="#555555">${minute} min</text>`,
  );
  const lines = CASES.map(({ name, candidateErrors, seed, colour }) => {
    const points = evidence(candidateErrors, seed);
    const [lastSecond, lastLog] = points.at(-1) ?? [0, 0];
    const drawn = points.map(([second, log]) => `${x(second).toFixed(1)},${y(log).toFixed(1)}`).join(" ");
    return (
      `<polyline points="${drawn}" fill="none" stroke="${colour}" stroke-width="2"/>` +
      `<text x="${x(lastSecond) + 8}" y="${y(lastLog) + 4}" fill="${colour}">${name}${lastSecond < SECONDS ? `: put back after ${lastSecond}s` : ""}</text>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${PLOT.left}" y="22" font-weight="600">Evidence that the new version is worse: 50 requests a second, 5% of them on it</text>`,
    ...axis,
    ...minutes,
    `<line x1="${PLOT.left}" y1="${y(2)}" x2="${PLOT.right}" y2="${y(2)}" stroke="#222222" stroke-dasharray="6 4"/>`,
    `<text x="${PLOT.right - 4}" y="${y(2) - 6}" text-anchor="end" fill="#222222">rolls back at 100</text>`,
    ...lines,
    "</svg>",
    "",
  ].join("\n");
}

/** By second, the decimal logarithm of the evidence until it is enough. */
function evidence(candidateErrors: number, seed: number): readonly (readonly [number, number])[] {
  const next = createTraffic(
    {
      rps: 50,
      share: 0.05,
      stableErrors: 0.001,
      candidateErrors,
      latency: null,
      bursts: null,
      load: null,
      visitors: null,
    },
    (guard) => guard === "errors",
    createRandom(seed),
  );
  const points: [number, number][] = [[0, 0]];
  let state = NO_COMPARISON;
  let open = NO_OPEN_STRATA;
  for (let second = 1; second <= SECONDS; second += 1) {
    const strata = together(open, next().counted);
    open = strata.open;
    state = compare(state, COMPARISON, strata.closed);
    const log10 = evidenceOf(state, COMPARISON).logTotal / Math.LN10;
    points.push([second, log10]);
    if (log10 >= 2) break;
  }
  return points;
}
