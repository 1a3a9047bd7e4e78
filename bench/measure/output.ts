import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";

export interface BenchOptions {
  /** One document instead of a table. */
  readonly json: boolean;
  /** A shorter run with coarser figures. */
  readonly quick: boolean;
}

/** `--json` and `--quick`, as every program of bench/ takes them. */
export function benchOptions(): BenchOptions {
  const { values } = parseArgs({ options: { json: { type: "boolean" }, quick: { type: "boolean" } } });
  return { json: values.json === true, quick: values.quick === true };
}

/** Figures mean nothing without it. */
export interface Machine {
  readonly date: string;
  readonly node: string;
  readonly cores: number;
  readonly processor: string;
  /** Processes that wanted a core in the last minute, this one's among them: above `cores`, all took longer. */
  readonly load: number;
}

export function machine(): Machine {
  const all = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cores: all.length,
    processor: all[0]?.model ?? "unknown",
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

export function machineLine({ date, node, cores, processor, load }: Machine): string {
  return `${date} · Node ${node.slice(1)} · ${cores} cores (${processor}) · load ${load.toFixed(1)}`;
}

/** Columns under their heads: the first to the left, figures to the right. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd();
  return [line(heads), ...rows.map(line)].join("\n");
}

/** What goes on while nothing is printed yet; not part of the result. */
export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
