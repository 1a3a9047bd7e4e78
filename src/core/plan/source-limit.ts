import { misread, parseBytes, parseDuration, parsePercent, type Parsed, parsed } from "../text/units.ts";
import { SECOND } from "../time/time.ts";
import type { Limit } from "./guard.ts";

/** A limit on a figure from outside as it is written. Which number that is depends on the unit in which the source tells it. */
export type WrittenLimit =
  | { readonly kind: "factor"; readonly factor: number }
  | { readonly kind: "growth"; readonly value: number }
  | {
      readonly kind: "value";
      /** `"> 5"` says which way is worse; `5` alone does not. */
      readonly sign: ">" | "<" | null;
      readonly value: number;
      /** `number`: bare, so it is in the source's own unit, whichever that is. Others than the four are a unit of the user's. */
      readonly unit: string;
      readonly text: string;
    };

/** How limits of figures from outside are written, for messages and the reference. */
export const SOURCE_LIMIT_FIX =
  'Write a number (`5`, `800ms`, `1%`, `2 GB`) above which it is broken, `"< 5"` where less is worse, or `1.5x` or `0.9x` against stable.';

/** `5`, `"< 5/s"`, `1%`, `800ms`, `2 GB`, `1.5x`, `0.9x`, `+2%/h`. */
export function parseSourceLimit(written: string | number): Parsed<WrittenLimit> {
  const text = String(written).trim();
  const factor = /^(\d+(?:\.\d+)?)\s*x$/i.exec(text);
  if (factor !== null) return parseFactor(text, Number(factor[1]));
  const growth = /^\+\s*(\d+(?:\.\d+)?\s*%)\s*\/\s*(?:h|hour)$/i.exec(text);
  if (growth !== null) {
    const value = parsePercent(growth[1] ?? "");
    return value.ok ? parsed({ kind: "growth", value: value.value }) : misread(value.what, SOURCE_LIMIT_FIX);
  }
  const [, sign, rest = ""] = /^(?:([<>])=?)?\s*(.*)$/s.exec(text) ?? [];
  const amount = parseAmount(rest);
  if (amount === null) return misread(`\`${text}\` is no limit.`, SOURCE_LIMIT_FIX);
  return parsed({ kind: "value", sign: sign === ">" || sign === "<" ? sign : null, ...amount, text });
}

function parseFactor(text: string, factor: number): Parsed<WrittenLimit> {
  if (factor === 1 || factor <= 0)
    return misread(
      `\`${text}\` would fail a version that is as good as stable.`,
      "Write a factor above 1 where more is worse, like `1.5x`, and below 1 where less is, like `0.9x`.",
    );
  return parsed({ kind: "factor", factor });
}

function parseAmount(text: string): { readonly value: number; readonly unit: string } | null {
  if (/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text)) return { value: Number(text), unit: "number" };
  const percent = parsePercent(text);
  if (percent.ok) return { value: percent.value, unit: "share" };
  const duration = parseDuration(text);
  if (duration.ok) return { value: duration.value, unit: "ms" };
  const bytes = parseBytes(text);
  if (bytes.ok) return { value: bytes.value, unit: "bytes" };
  const own = /^(\d+(?:\.\d+)?)\s*([^\d\s].*)$/s.exec(text);
  return own === null ? null : { value: Number(own[1]), unit: (own[2] ?? "").trim() };
}

/** Which way is worse by what a limit says; null: it does not say. */
export function directionOf(limit: WrittenLimit): "higher" | "lower" | null {
  switch (limit.kind) {
    case "factor":
      return limit.factor > 1 ? "higher" : "lower";
    case "growth":
      return "higher";
    case "value":
      return limit.sign === null ? null : limit.sign === ">" ? "higher" : "lower";
  }
}

/** The limit in the unit in which the source tells its figure. */
export function limitInUnit(written: WrittenLimit, unit: string): Parsed<Limit> {
  switch (written.kind) {
    case "factor":
      return parsed({ kind: "relative", factor: written.factor });
    case "growth":
      return parsed({ kind: "growth", value: written.value });
    case "value": {
      const value = inUnit(written, unit);
      if (value !== null) return parsed({ kind: "plain", value });
      const told = unit === "" ? "as a bare number" : `in \`${unit}\``;
      return misread(
        `\`${written.text}\` can't be held against this figure, which is told ${told}.`,
        "Write a bare number, or say with `unit` how its source tells it: share, percent, ms, s, bytes, or a text of your own.",
      );
    }
  }
}

function inUnit({ value, unit: written }: Extract<WrittenLimit, { kind: "value" }>, unit: string): number | null {
  if (written === "number" || written === unit) return value;
  if (written === "share" && unit === "percent") return Number((value * 100).toPrecision(12));
  if (written === "ms" && unit === "s") return value / SECOND;
  return null;
}
