import type { InstanceSeen } from "../../core/observation.ts";
import { formatDuration } from "../../core/time/time.ts";
import { paint, type Style, symbols } from "./style.ts";
import { cut, padEnd, padStart, wrap } from "./text.ts";

/** One instance with what its health probe said; null: it could not be asked, or need not be (a worker). */
export interface InstanceHealth {
  readonly instance: InstanceSeen;
  readonly health: HealthAnswer | null;
  /** What it says of what it depends on; null where the plan names no such path. */
  readonly depends: HealthAnswer | null;
}

export interface HealthAnswer {
  readonly ok: boolean;
  readonly text: string;
  readonly atMs: number;
}

/** A line for each instance: what runs where, and whether it is well. */
export function instanceList(instances: readonly InstanceHealth[], nowMs: number, style: Style): readonly string[] {
  if (instances.length === 0) return [paint(style, "warn", "  No instance runs.")];
  const rows = instances.map(({ instance, health, depends }) => ({
    id: instance.id,
    mark: mark(instance, health, style),
    state: stateOf(instance),
    address: instance.address ?? "",
    cpu: instance.usage === undefined ? "" : `${Math.round(instance.usage.cpu * 100)}% CPU`,
    memory: instance.usage === undefined ? "" : `${Math.round(instance.usage.rssBytes / 2 ** 20)} MB`,
    health: `${healthOf(instance, health, nowMs)}${depends?.ok === true ? "; dependencies well" : ""}`,
    // Told, and never acted on: a version need not be put back because its database is away.
    trouble: depends?.ok === false ? `dependencies not well: ${depends.text}` : null,
  }));
  const width = (key: "id" | "state" | "address" | "cpu" | "memory"): number =>
    Math.max(0, ...rows.map((row) => row[key].length));
  return rows.flatMap((row) => {
    const columns = [
      padEnd(row.id, width("id")),
      padEnd(row.state, width("state")),
      padEnd(row.address, width("address")),
      padStart(row.cpu, width("cpu")),
      padStart(row.memory, width("memory")),
    ].filter((column) => column.trim() !== "");
    const begin = `  ${row.mark} ${columns.join("  ")}`;
    const left = style.width - (4 + columns.join("  ").length) - 2;
    const line = left < 12 ? begin : `${begin}  ${paint(style, "dim", cut(row.health, left, symbols(style).ellipsis))}`;
    if (row.trouble === null) return [line];
    return [line, ...wrap(`    ${row.trouble}`, style.width, "  ").map((each) => paint(style, "warn", each))];
  });
}

function mark(instance: InstanceSeen, health: InstanceHealth["health"], style: Style): string {
  const marks = symbols(style);
  if (instance.state === "exited" || health?.ok === false) return paint(style, "bad", marks.failed);
  if (instance.state !== "running" && !instance.adopted) return paint(style, "warn", marks.running);
  return health === null && instance.address !== undefined ? marks.waiting : paint(style, "good", marks.passed);
}

function stateOf({ state, adopted, restarts }: InstanceSeen): string {
  const crashes = restarts === 0 ? "" : `, ${restarts} ${restarts === 1 ? "restart" : "restarts"}`;
  return `${adopted ? "taken over" : state}${crashes}`;
}

function healthOf(instance: InstanceSeen, health: InstanceHealth["health"], nowMs: number): string {
  if (instance.state === "exited" && instance.lastExit !== undefined) {
    const { code, signal, at } = instance.lastExit;
    return `ended with ${signal ?? `code ${code ?? "?"}`} ${formatDuration(nowMs - at)} ago`;
  }
  if (health === null) return "";
  const age = nowMs - health.atMs;
  return `${health.ok ? "ready" : "not ready"}: ${health.text}${age > 5_000 ? ` (${formatDuration(age)} ago)` : ""}`;
}
