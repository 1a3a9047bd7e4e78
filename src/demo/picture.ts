import { rail } from "../cli/render/rail.ts";
import { paint, type Style, symbols, type Tone } from "../cli/render/style.ts";
import { bothSides, cut, padEnd, padStart, widthOf, wrap } from "../cli/render/text.ts";
import { formatCount } from "../core/figures.ts";
import { formatDuration } from "../core/time.ts";
import { inWords } from "./result.ts";
import type { Act, Breakage, News, Scene } from "./scene.ts";
import { versionFigures, type VersionFigures } from "./version-figures.ts";

/** The whole demo on one screen: what serves, how much, how well, and what happens now. */
export function picture(scene: Scene, now: number, style: Style): readonly string[] {
  return [
    ...title(scene, now, style),
    "",
    acts(scene, style),
    "",
    ...shares(scene, style),
    "",
    ...table(scene, style),
    "",
    ...present(scene, now, style),
    "",
    ...news(scene, style),
    "",
    keys(scene, style),
  ];
}

function title(scene: Scene, now: number, style: Style): readonly string[] {
  const left = `${paint(style, "strong", "Tidegate demo")}  ${paint(style, "dim", "a shop with customers, on this machine alone")}`;
  const url = scene.serving === null ? "" : `${scene.url} ${symbols(style).dot} `;
  return bothSides(
    left,
    paint(style, "dim", `${url}${formatDuration(Math.floor((now - scene.startedAt) / 1_000) * 1_000)}`),
    style.width,
  );
}

function acts({ acts }: Scene, style: Style): string {
  return acts.map((act) => actText(act, style)).join("    ");
}

function actText({ version, about, state }: Act, style: Style): string {
  const marks = symbols(style);
  const text = (mark: string, tone: Tone, words: string): string => `${paint(style, tone, mark)} ${version} ${words}`;
  switch (state) {
    case "waiting":
      return paint(style, "dim", `${marks.waiting} ${version} ${about}`);
    case "running":
      return text(marks.running, "active", paint(style, "strong", about));
    case "promoted":
      return text(marks.passed, "good", about);
    case "rolled-back":
      return text(marks.failed, "bad", `${about}: ${inWords(state)}`);
    case "held":
    case "failed":
    case "not-released":
      return text(marks.failed, "warn", `${about}: ${inWords(state)}`);
  }
}

/** One bar over the whole width: the serving version from the left, the candidate from the right. */
function shares({ serving, candidate, sharePercent }: Scene, style: Style): readonly string[] {
  if (serving === null) return [paint(style, "dim", "nothing serves yet"), ""];
  const [full, other] = style.unicode ? ["█", "▒"] : ["#", "."];
  const ofCandidate = candidate === null ? 0 : sharePercent;
  const room = style.width;
  // A small share is still to be seen, and so is a small rest.
  const exact = Math.round((room * ofCandidate) / 100);
  const right = ofCandidate === 0 ? 0 : ofCandidate === 100 ? room : Math.min(room - 1, Math.max(1, exact));
  const bar = paint(style, "active", full.repeat(room - right)) + paint(style, "warn", other.repeat(right));
  const left = `${paint(style, "active", serving)} ${paint(style, "strong", `${100 - ofCandidate}%`)}`;
  const end =
    candidate === null ? "" : `${paint(style, "strong", `${ofCandidate}%`)} ${paint(style, "warn", candidate)}`;
  return [bar, end === "" ? left : (bothSides(left, end, room)[0] ?? left)];
}

const COLUMNS = [22, 12, 14, 12, 10, 10] as const;

function table(scene: Scene, style: Style): readonly string[] {
  const { serving, candidate, seconds } = scene;
  const figures = new Map(versionFigures(seconds).map((each) => [each.version, each]));
  const head = cells(["", "measured", "requests/s", "errors", "p50", "p95"]);
  const row = (version: string | null, role: string): string =>
    version === null ? "" : cells([`${version} ${role}`, ...figureCells(figures.get(version), style)]);
  return [
    paint(style, "dim", head),
    row(serving, candidate === null ? "serves" : "stable"),
    row(candidate, "candidate"),
  ];
}

function figureCells(figures: VersionFigures | undefined, style: Style): readonly string[] {
  if (figures === undefined) return ["-", "-", "-", "-", "-"];
  const { part, perSecond, errorRate, p50Ms, p95Ms } = figures;
  const errors = `${(100 * errorRate).toFixed(2)}%`;
  const tone: Tone = errorRate === 0 ? "plain" : errorRate < 0.01 ? "warn" : "bad";
  return [
    `${(100 * part).toFixed(1)}%`,
    formatCount(perSecond),
    paint(style, tone, errors),
    latency(p50Ms),
    latency(p95Ms),
  ];
}

function latency(ms: number | null): string {
  return ms === null ? "-" : ms > 0 && ms < 1 ? "<1ms" : formatDuration(ms);
}

function cells(texts: readonly string[]): string {
  return texts
    .map((text, index) => (index === 0 ? padEnd(text, COLUMNS[0]) : padStart(text, COLUMNS[index] ?? 10)))
    .join("");
}

const PRESENT_LINES = 3;
const UNATTENDED = "Nobody acts on the release: the data plane alone serves on, with the shares that it has.";

/** What happens now: the steps of the release, and one sentence. Always as many lines, so that nothing below jumps. */
function present(scene: Scene, now: number, style: Style): readonly string[] {
  const lines = scene.status === null ? pause(scene, style) : release(scene.status, scene, now, style);
  return Array.from({ length: Math.max(PRESENT_LINES, lines.length) }, (_, index) => lines[index] ?? "");
}

function pause({ acts, serving, isStopping }: Scene, style: Style): readonly string[] {
  if (isStopping) return [paint(style, "strong", "Stopping everything that the demo started …")];
  const next = acts.find(({ state }) => state === "running" || state === "waiting");
  if (next === undefined) return [`${serving ?? "Nothing"} serves.`];
  return [next.state === "running" ? `${next.version} is about to be released …` : `${next.version} comes next …`];
}

function release(
  { at, value }: NonNullable<Scene["status"]>,
  { isUnattended }: Scene,
  now: number,
  style: Style,
): readonly string[] {
  const steps = rail(value, style);
  if (isUnattended) return [...steps, paint(style, "warn", UNATTENDED)];
  const left = value.current?.nextDecisionInMs ?? null;
  const decides =
    left === null || value.hold !== null
      ? ""
      : ` Next decision in ${Math.max(0, Math.ceil((left - (now - at)) / 1_000))}s.`;
  const tone: Tone = value.hold !== null || value.state === "rolling-back" ? "warn" : "strong";
  return [...steps, ...wrap(`${value.sentence}${decides}`, style.width).map((line) => paint(style, tone, line))];
}

const NEWS_LINES = 5;

function news(scene: Scene, style: Style): readonly string[] {
  const shown = scene.news.slice(-NEWS_LINES);
  const lines = shown.map((each) => newsLine(each, scene, style));
  return [...lines, ...Array.from({ length: NEWS_LINES - lines.length }, () => "")];
}

function newsLine({ at, tone, sentence }: News, { startedAt }: Scene, style: Style): string {
  const time = padStart(`+${Math.max(0, Math.round((at - startedAt) / 1_000))}s`, 5);
  const text = cut(sentence, style.width - widthOf(time) - 2, symbols(style).ellipsis);
  return `${paint(style, "dim", time)}  ${paint(style, tone, text)}`;
}

const KEYS: readonly { readonly key: string; readonly does: string; readonly breaks?: Breakage }[] = [
  { key: "e", does: "errors", breaks: "errors" },
  { key: "s", does: "slowness", breaks: "slowness" },
  { key: "c", does: "crash", breaks: "crash" },
  { key: "k", does: "kill -9 the controller" },
  { key: "q", does: "quit" },
];

function keys({ candidate, broken, seconds }: Scene, style: Style): string {
  const items = KEYS.map(({ key, does, breaks }) => {
    const isDone = breaks !== undefined && broken.includes(breaks);
    const isIdle = breaks !== undefined && candidate === null;
    const where = key === "e" && candidate !== null ? ` in ${candidate}` : "";
    const text = `${does}${where}`;
    if (isDone) return paint(style, "bad", `${key} ${text}`);
    return `${paint(style, isIdle ? "dim" : "strong", key)} ${paint(style, "dim", text)}`;
  });
  const totals = seconds.at(-1)?.totals;
  const failed = totals?.failedRequests ?? 0;
  const served =
    totals === undefined
      ? ""
      : `${formatCount(totals.requests)} served, ${paint(style, failed === 0 ? "good" : "bad", `${formatCount(failed)} failed`)}`;
  return bothSides(items.join("   "), served, style.width).join("\n");
}
