import type { Status } from "../../core/status/status.ts";
import { comparison } from "./comparison.ts";
import { header } from "./header.ts";
import { rail } from "./rail.ts";
import { spelled, type Style } from "./style.ts";
import { standing } from "./standing.ts";
import { failure, summary } from "./summary.ts";
import { wrap } from "./text.ts";
import { undoing } from "./undoing.ts";

/** What a release's picture shows beside its status. */
export interface Around {
  /** Right in the header: what Ctrl-C does here. */
  readonly hint?: string;
  /** Sentences under the picture: nobody acts, waits to watch, … */
  readonly notes?: readonly string[];
  /** Ids of checklist items that wait for a person. */
  readonly openItems?: readonly string[];
  /** It is `tidegate status` that shows it: nobody need be led there. */
  readonly isStatus?: boolean;
  /** Lines that there is room for; absent: for all. */
  readonly height?: number;
  /** With which the command ends; shown once the release has been rolled back. */
  readonly exitCode?: number;
}

/** The whole picture of a release, line by line; in a low window what matters of it: where it stands, and what to do. */
export function releaseView(status: Status, style: Style, around: Around = {}): readonly string[] {
  const { height = Number.POSITIVE_INFINITY } = around;
  for (const detail of DETAILS) {
    const lines = picture(status, style, around, detail);
    if (lines.length <= height) return lines;
  }
  return picture(status, style, around, LEAST).slice(0, height);
}

/** What a low window shows of it. */
interface Detail {
  /** What each command does. */
  readonly reasons: boolean;
  readonly figures: boolean;
  readonly railLines: number;
  /** The release's number, how long it has run, what Ctrl-C does. */
  readonly numbers: boolean;
}

const ALL: Detail = { reasons: true, figures: true, railLines: 4, numbers: true };
const LEAST: Detail = { reasons: false, figures: false, railLines: 1, numbers: false };

/** From all of it on, each leaves out what is missed the least. */
const DETAILS: readonly Detail[] = [
  ALL,
  { ...ALL, reasons: false },
  { ...ALL, reasons: false, railLines: 1 },
  { ...LEAST, numbers: true },
  LEAST,
];

function picture(status: Status, style: Style, around: Around, detail: Detail): readonly string[] {
  const { notes = [], hint } = around;
  return [
    ...header(status, style, detail.numbers, hint),
    ...rail(status, style, detail.railLines),
    ...body(status, style, around, detail),
    ...notes.flatMap((note) => wrap(note, style.width, "  ")),
  ].map((line) => spelled(style, line));
}

function body(status: Status, style: Style, around: Around, detail: Detail): readonly string[] {
  const stands = (): readonly string[] => standing(status, style, around.openItems, detail.reasons);
  switch (status.state) {
    case "rolled-back":
      return ["", ...undoing(status, style, around)];
    case "rolling-back":
      return undoing(status, style);
    case "failed":
      return ["", ...undoing(status, style), ...failure(status, style)];
    case "closed":
      return ["", ...summary(status, style)];
    case "live":
      return ["", ...summary(status, style), ...(needsWords(status) ? stands() : [])];
    case "planned":
    case "running":
      return [...(detail.figures ? figures(status, style) : []), ...stands()];
  }
}

function needsWords(status: Status): boolean {
  return status.hold !== null || status.paused !== null;
}

/** Before the first share there is nothing to compare. */
function figures(status: Status, style: Style): readonly string[] {
  const { versions, sharePercent } = status;
  if (versions === null || versions.length === 0 || sharePercent === 0) return [];
  return comparison(versions, style);
}
