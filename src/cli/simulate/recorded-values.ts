import { SECOND } from "../../core/time/time.ts";

/** A moment in milliseconds: Unix seconds, milliseconds, microseconds or nanoseconds by their size, or ISO 8601. null: none. */
export function timeOf(text: string): number | null {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return byItsSize(Number(trimmed));
  // "2026" alone, "yesterday" and "1/2/26" mean something else to everybody.
  if (!/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(trimmed)) return null;
  const zoned = /(?:Z|[+-]\d\d:?\d\d)$/i.test(trimmed) ? trimmed : `${trimmed}Z`;
  const at = Date.parse(zoned.replace(" ", "T").replace(",", "."));
  return Number.isNaN(at) ? null : at;
}

/** Seconds up to the year 5138, milliseconds from 1973 on. */
function byItsSize(value: number): number {
  if (value < 1e11) return value * SECOND;
  if (value < 1e14) return value;
  return value < 1e17 ? value / 1e3 : value / 1e6;
}

/** Milliseconds: `12`, `12ms`, `0.012s`, `12us`. null: none. */
export function millisecondsOf(text: string, bareUnitMs: number): number | null {
  const match = /^(\d+(?:\.\d+)?(?:e-?\d+)?)\s*(ms|s|us|µs|ns)?$/i.exec(text.trim());
  if (match === null) return null;
  const unit = match[2]?.toLowerCase();
  const ms = Number(match[1]) * (unit === undefined ? bareUnitMs : (UNIT_MS[unit] ?? 1));
  return Number.isFinite(ms) ? ms : null;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: SECOND, us: 1e-3, µs: 1e-3, ns: 1e-6 };
