import type { Status } from "../../core/status/status.ts";
import { formatDuration } from "../../core/time/time.ts";
import { paint, type Style, symbols } from "./style.ts";
import { bothSides, widthOf, wrapItems } from "./text.ts";

/** `shop a1f09c → 9f2c1e  production          release 42 · 3m 08s · Ctrl-C detaches` */
export function header(status: Status, style: Style, hasNumbers = true, hint?: string): readonly string[] {
  const { dot } = symbols(style);
  const left = `${paint(style, "strong", versions(status, style))}  ${paint(style, "dim", status.environment)}`;
  if (!hasNumbers) return [left];
  const right = [`release ${status.release}`, formatDuration(status.elapsedMs), ...(hint === undefined ? [] : [hint])];
  const between = ` ${dot} `;
  const joined = right.join(between);
  if (widthOf(joined) <= style.width) return bothSides(left, paint(style, "dim", joined), style.width);
  return [left, ...wrapItems(right, style.width, { between }).map((line) => paint(style, "dim", line))];
}

/** `shop a1f09c → 9f2c1e`; without an earlier version `shop 9f2c1e`. */
export function versions(status: Pick<Status, "app" | "stable" | "candidate">, style: Style): string {
  const { app, stable, candidate } = status;
  return stable === null
    ? `${app} ${candidate.label}`
    : `${app} ${stable.label} ${symbols(style).arrow} ${candidate.label}`;
}
