import type { Status } from "../../core/status.ts";
import { formatDuration } from "../../core/time.ts";
import { paint, type Style, symbols } from "./style.ts";
import { bothSides } from "./text.ts";

/** `shop a1f09c → 9f2c1e  production          release 42 · 3m 08s · Ctrl-C detaches` */
export function header(status: Status, style: Style, hint?: string): readonly string[] {
  const { dot } = symbols(style);
  const left = `${paint(style, "strong", versions(status, style))}  ${paint(style, "dim", status.environment)}`;
  const right = [`release ${status.release}`, formatDuration(status.elapsedMs), ...(hint === undefined ? [] : [hint])];
  return bothSides(left, paint(style, "dim", right.join(` ${dot} `)), style.width);
}

/** `shop a1f09c → 9f2c1e`; without an earlier version `shop 9f2c1e`. */
export function versions(status: Pick<Status, "app" | "stable" | "candidate">, style: Style): string {
  const { app, stable, candidate } = status;
  return stable === null
    ? `${app} ${candidate.label}`
    : `${app} ${stable.label} ${symbols(style).arrow} ${candidate.label}`;
}
