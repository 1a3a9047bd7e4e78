import type { Status } from "../../core/status.ts";
import { comparison } from "./comparison.ts";
import { header } from "./header.ts";
import { rail } from "./rail.ts";
import { spelled, type Style } from "./style.ts";
import { standing } from "./standing.ts";
import { failure, summary } from "./summary.ts";
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
  /** With which the command ends; shown once the release has been rolled back. */
  readonly exitCode?: number;
}

/** The whole picture of a release, line by line. */
export function releaseView(status: Status, style: Style, around: Around = {}): readonly string[] {
  const lines = [...header(status, style, around.hint), ...rail(status, style), ...body(status, style, around)];
  return [...lines, ...(around.notes ?? [])].map((line) => spelled(style, line));
}

function body(status: Status, style: Style, around: Around): readonly string[] {
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
      return ["", ...summary(status, style), ...(needsWords(status) ? standing(status, style, around.openItems) : [])];
    case "planned":
    case "running":
      return [...figures(status, style), ...standing(status, style, around.openItems)];
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
