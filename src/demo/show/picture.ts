import { rail } from "../../cli/render/rail.ts";
import { paint, type Style, symbols, type Tone } from "../../cli/render/style.ts";
import { bothSides, cut, padEnd, padStart, widthOf, wrap, wrapItems } from "../../cli/render/text.ts";
import { formatCount } from "../../core/analysis/figures.ts";
import { formatDuration } from "../../core/time/time.ts";
import { inWords } from "../result.ts";
import type { Act, Breakage, News, Scene } from "./scene.ts";
import { versionFigures, type VersionFigures } from "./version-figures.ts";

/** The whole demo on one screen of `rows` lines: what serves, how much, how well, and what happens now. */
export function picture(scene: Scene, now: number, rows: number, style: Style): readonly string[] {
  const above = [title(scene, now, style), acts(scene, style), shares(scene, style), table(scene, style)];
  const below = [present(scene, now, style), keys(scene, style)];
  const taken = [...above, ...below].reduce((sum, lines) => sum + lines.length, 0);
  // A low window has no room for air, and then less for what is over; never too little for the keys.
  const isTight = taken + above.length + below.length + 1 > rows;
  const room = rows - taken - (isTight ? 0 : above.length + below.length);
  const past = news(scene, Math.max(0, Math.min(NEWS_LINES, room)), style);
  const parts = [...above, ...below.slice(0, 1), past, ...below.slice(1)];
  return parts.flatMap((lines, index) => (index === 0 || isTight ? lines : ["", ...lines]));
}

function title(scene: Scene, now: number, style: Style): readonly string[] {
  const { dot } = symbols(style);
  const time = formatDuration(Math.floor((now - scene.startedAt) / 1_000) * 1_000);
  const right = [...(scene.serving === null ? [] : [scene.url]), time].join(` ${dot} `);
  const name = paint(style, "strong", "Tidegate demo");
  const about = "a shop with customers, on this machine alone";
  const isRoomy = widthOf(name) + about.length + right.length + 6 <= style.width;
  const left = isRoomy ? `${name}  ${paint(style, "dim", about)}` : name;
  return bothSides(left, paint(style, "dim", right), style.width).slice(0, 1);
}

function acts({ acts }: Scene, style: Style): readonly string[] {
  return wrapItems(
    acts.map((act) => actText(act, style)),
    style.width,
    { between: "    " },
  );
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

interface Column {
  readonly title: string;
  readonly width: number;
  readonly cell: (figures: VersionFigures, style: Style) => string;
}

const NAME_WIDTH = 26;
/** The last ones go first where the screen is too narrow for all. */
const COLUMNS: readonly Column[] = [
  { title: "requests/s", width: 13, cell: ({ perSecond }) => formatCount(perSecond) },
  { title: "errors", width: 10, cell: errors },
  { title: "p95", width: 9, cell: ({ p95Ms }) => latency(p95Ms) },
  { title: "measured", width: 11, cell: ({ part }) => `${(100 * part).toFixed(1)}%` },
  { title: "p50", width: 9, cell: ({ p50Ms }) => latency(p50Ms) },
];

/** What the customers saw of each version lately, and of all so far. */
function table(scene: Scene, style: Style): readonly string[] {
  const { serving, candidate, seconds } = scene;
  const figures = new Map(versionFigures(seconds).map((each) => [each.version, each]));
  const columns = COLUMNS.filter(
    (_, index) => COLUMNS.slice(0, index + 1).reduce((sum, { width }) => sum + width, NAME_WIDTH) <= style.width,
  );
  const row = (version: string | null, role: string): string => {
    if (version === null) return "";
    const own = figures.get(version);
    const cells = columns.map(({ width, cell }) => padStart(own === undefined ? "-" : cell(own, style), width));
    return padEnd(`${version} ${role}`, NAME_WIDTH) + cells.join("");
  };
  const titles = columns.map(({ title, width }) => padStart(title, width)).join("");
  return [
    padEnd(totals(scene, style), NAME_WIDTH) + paint(style, "dim", titles),
    row(serving, candidate === null ? "serves" : "stable"),
    row(candidate, "candidate"),
  ];
}

function totals({ seconds }: Scene, style: Style): string {
  const newest = seconds.at(-1)?.totals;
  if (newest === undefined) return "";
  const { requests, failedRequests } = newest;
  return `${formatCount(requests)} served, ${paint(style, failedRequests === 0 ? "good" : "bad", `${formatCount(failedRequests)} failed`)}`;
}

function errors({ errorRate }: VersionFigures, style: Style): string {
  const tone: Tone = errorRate === 0 ? "plain" : errorRate < 0.01 ? "warn" : "bad";
  return paint(style, tone, `${(100 * errorRate).toFixed(2)}%`);
}

function latency(ms: number | null): string {
  return ms === null ? "-" : ms > 0 && ms < 1 ? "<1ms" : formatDuration(ms);
}

const PRESENT_LINES = 3;
const UNATTENDED = "Nobody acts on the release. The data plane needs nobody: it serves on as it was told last.";

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

/** The newest, in always as many lines. */
function news(scene: Scene, count: number, style: Style): readonly string[] {
  const lines = scene.news.slice(-count).map((each) => newsLine(each, scene, style));
  return Array.from({ length: count }, (_, index) => lines[index] ?? "");
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

function keys({ candidate, broken }: Scene, style: Style): readonly string[] {
  const items = KEYS.map(({ key, does, breaks }) => {
    const isDone = breaks !== undefined && broken.includes(breaks);
    const isIdle = breaks !== undefined && candidate === null;
    const where = key === "e" && candidate !== null ? ` in ${candidate}` : "";
    if (isDone) return paint(style, "bad", `${key} ${does}${where}`);
    return `${paint(style, isIdle ? "dim" : "strong", key)} ${paint(style, "dim", `${does}${where}`)}`;
  });
  return wrapItems(items, style.width, { between: "   " });
}
