import { formatCount, formatPercent } from "../../core/analysis/figures.ts";
import { formatDuration } from "../../core/time/time.ts";
import { openScreen } from "../../cli/render/screen.ts";
import { paint, spelled, type Tone } from "../../cli/render/style.ts";
import type { Terminal } from "../../cli/terminal.ts";
import { picture } from "./picture.ts";
import type { News, Scene } from "./scene.ts";
import { closingLines, type Outcome } from "./summary.ts";
import type { Document } from "../tidegate-process.ts";
import { LATELY_SECONDS, versionFigures } from "./version-figures.ts";

/** Where the demo is shown. Disposing of it puts the terminal back as it was. */
export interface DemoView extends Disposable {
  /** Shows figures of the release under way too, as `tidegate status` gives them. */
  readonly wantsStatus: boolean;
  changed(scene: Scene): void;
  news(news: News): void;
  document(document: Document): void;
  /** The last word, once: how it came out, or that it was stopped. */
  end(outcome: Outcome | "stopped"): void;
}

/** A picture with keys, lines in a log, or documents. */
export function openView({ terminal, json, interactive }: ViewOrder): DemoView {
  if (json) return documents(terminal);
  return interactive ? livePicture(terminal) : lines(terminal);
}

interface ViewOrder {
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly interactive: boolean;
}

const STOPPED = "Stopped, with everything that the demo had started.";
const FRAME_MS = 200;

function livePicture(terminal: Terminal): DemoView {
  const screen = openScreen(terminal.output);
  const restoreNotes = terminal.redirect((line) => screen.print(line));
  let scene: Scene | null = null;
  const draw = (): void => {
    const style = terminal.style();
    // The last row is the cursor's.
    const rows = terminal.output.rows - 1;
    if (scene !== null) screen.draw(picture(scene, Date.now(), rows, style).map((line) => spelled(style, line)));
  };
  const timer = setInterval(draw, FRAME_MS);
  return {
    wantsStatus: true,
    changed: (now) => void (scene = now),
    news: () => undefined,
    document: () => undefined,
    end(outcome) {
      clearInterval(timer);
      const style = terminal.style();
      const last = outcome === "stopped" ? [STOPPED] : closingLines(outcome, style);
      screen.draw(last.map((line) => spelled(style, line)));
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      restoreNotes();
      screen[Symbol.dispose]();
    },
  };
}

const FIGURES_EVERY_SECONDS = 5;

function lines(terminal: Terminal): DemoView {
  const line = (at: number, text: string, tone: Tone = "plain"): void => {
    const style = terminal.style();
    terminal.print(`${paint(style, "dim", clock(at))}  ${paint(style, tone, text)}`);
  };
  let told = 0;
  return {
    wantsStatus: false,
    changed(scene) {
      const newest = scene.seconds.at(-1);
      if (newest === undefined || newest.second === told || newest.second % FIGURES_EVERY_SECONDS !== 0) return;
      told = newest.second;
      line(newest.at, figuresLine(scene), "dim");
    },
    news: ({ at, sentence, tone }) => line(at, sentence, tone),
    document: () => undefined,
    end(outcome) {
      if (outcome === "stopped") return terminal.print(STOPPED);
      terminal.print(`\n${closingLines(outcome, terminal.style()).join("\n")}`);
    },
    [Symbol.dispose]: () => undefined,
  };
}

/** `1 502 requests, 0 failed · last 5s: v1 285/s, errors 0%, p95 4ms · v2 15/s, errors 2.7%, p95 6ms` */
export function figuresLine(scene: Scene): string {
  const totals = scene.seconds.at(-1)?.totals;
  const versions = versionFigures(scene.seconds).map(({ version, perSecond, errorRate, p95Ms }) => {
    const p95 = p95Ms === null ? "" : `, p95 ${formatDuration(p95Ms)}`;
    return `${version} ${formatCount(perSecond)}/s, errors ${formatPercent(errorRate)}${p95}`;
  });
  const all = `${formatCount(totals?.requests ?? 0)} requests, ${formatCount(totals?.failedRequests ?? 0)} failed`;
  const [first, ...others] = versions;
  return [all, ...(first === undefined ? [] : [`last ${LATELY_SECONDS}s: ${first}`]), ...others].join(" · ");
}

/** What Tidegate's releases write, as it is, and the demo's own news between. */
function documents(terminal: Terminal): DemoView {
  const write = (document: object): void => terminal.print(JSON.stringify(document));
  return {
    wantsStatus: false,
    changed: () => undefined,
    news: ({ at, sentence }) => write({ type: "demo-news", atMs: at, sentence }),
    document: write,
    end(outcome) {
      if (outcome === "stopped") return write({ type: "demo-stopped" });
      for (const sentence of outcome.problems) write({ type: "demo-problem", sentence });
      write(outcome.result);
    },
    [Symbol.dispose]: () => undefined,
  };
}

/** Local time of day: what a log's reader compares with their own clock. */
function clock(atMs: number): string {
  const at = new Date(atMs);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
