import { formatCount } from "../../core/analysis/figures.ts";
import type { VersionFigures } from "../../core/status/status.ts";
import { formatDuration } from "../../core/time/time.ts";
import { paint, type Style } from "./style.ts";
import { padEnd, padStart, widthOf } from "./text.ts";

interface Column {
  readonly title: string;
  readonly least: number;
  /** The lowest goes first where the screen is too narrow for all. */
  readonly worth: number;
  readonly cell: (figures: VersionFigures) => string;
}

const UNKNOWN = "-";

const COLUMNS: readonly Column[] = [
  { title: "wanted", least: 8, worth: 4, cell: ({ wantedPercent }) => `${wantedPercent}%` },
  {
    title: "measured",
    least: 10,
    worth: 5,
    cell: ({ measuredPercent }) => known(measuredPercent, (n) => `${n.toFixed(1)}%`),
  },
  { title: "requests", least: 10, worth: 7, cell: ({ requests }) => formatCount(requests) },
  { title: "errors", least: 8, worth: 8, cell: ({ errorRate }) => known(errorRate, share) },
  { title: "p50", least: 6, worth: 2, cell: ({ p50Ms }) => known(p50Ms, latency) },
  { title: "p95", least: 6, worth: 6, cell: ({ p95Ms }) => known(p95Ms, latency) },
  { title: "p99", least: 6, worth: 1, cell: ({ p99Ms }) => known(p99Ms, latency) },
  { title: "in flight", least: 11, worth: 3, cell: ({ inFlight }) => known(inFlight, formatCount) },
];

const NAME_WIDTH = 10;

/** Stable and candidate, figure by figure; on a narrow screen only the figures that decide. */
export function comparison(versions: readonly VersionFigures[], style: Style): readonly string[] {
  const columns = fitting(versions, style.width);
  const row = (name: string, cells: readonly string[]): string =>
    padEnd(name, NAME_WIDTH) + cells.map((cell, index) => padStart(cell, columns[index]?.width ?? 0)).join("");
  const windowMs = versions[0]?.windowMs ?? 0;
  const window = windowMs < 1_000 ? "" : `last ${formatDuration(windowMs)}`;
  const head = row(
    window,
    columns.map(({ column }) => column.title),
  );
  return [
    paint(style, "dim", head),
    ...versions.map((version) =>
      row(
        version.role,
        columns.map(({ column }) => column.cell(version)),
      ),
    ),
  ];
}

function fitting(
  versions: readonly VersionFigures[],
  width: number,
): readonly { readonly column: Column; readonly width: number }[] {
  const sized = COLUMNS.map((column) => ({
    column,
    width: Math.max(column.least, ...versions.map((version) => widthOf(column.cell(version)) + 2)),
  }));
  const kept = [...sized];
  const taken = (): number => NAME_WIDTH + kept.reduce((sum, { width }) => sum + width, 0);
  while (kept.length > 1 && taken() > width) {
    const least = kept.reduce((lowest, one) => (one.column.worth < lowest.column.worth ? one : lowest));
    kept.splice(kept.indexOf(least), 1);
  }
  return kept;
}

function known(value: number | null, show: (value: number) => string): string {
  return value === null ? UNKNOWN : show(value);
}

/** Failures that are few are not none. */
function share(part: number): string {
  return part > 0 && part < 0.000_05 ? "<0.01%" : `${(part * 100).toFixed(2)}%`;
}

function latency(ms: number): string {
  return ms > 0 && ms < 1 ? "<1ms" : formatDuration(ms);
}
