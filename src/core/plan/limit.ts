import { isOfProcesses, type Limit, type Metric, METRICS } from "./guard.ts";
import { misread, parseDuration, parsePercent, type Parsed, parsed } from "../text/units.ts";

/**
 * A guard's limit as people write it, for one metric: `1%`, `3s` and `2` are absolute, `1.5x` compares with stable,
 * `"> 1%"` is absolute over a fixed window, and `+2%/h` is a growth.
 */
export function parseLimit(metric: Metric, written: string | number): Parsed<Limit> {
  const limit = parseWritten(metric, written);
  if (!limit.ok) return limit;
  const text = String(written).trim();
  if (limit.value.kind === "plain") return neverBroken(metric, text, limit.value.value) ?? limit;
  return limit.value.kind === "absolute" ? (unprovable(metric, text, limit.value.value) ?? limit) : limit;
}

/** The same, where a rate of none or of all is a mistake of another kind. */
export function parseWritten(metric: Metric, written: string | number): Parsed<Limit> {
  const text = String(written).trim();
  const comparison = /^([<>])=?\s*(.*)$/.exec(text);
  if (comparison !== null) return parseComparison(metric, text, comparison[1] ?? "", comparison[2] ?? "");
  if (/^-?\d+(\.\d+)?\s*x$/i.test(text)) return parseFactor(metric, text);
  const growth = /^\+?\s*(\d+(?:\.\d+)?\s*%)\s*\/\s*(?:h|hour)$/i.exec(text);
  if (growth !== null) return parseGrowth(metric, text, growth[1] ?? "");
  return parseAbsolute(metric, text);
}

/** A rate that is tested request by request must leave something on both sides; null: it does. */
function unprovable(metric: Metric, text: string, value: number): Parsed<Limit> | null {
  const { unit, worse, label } = METRICS[metric];
  if (unit !== "share" || isOfProcesses(metric) || (value > 0 && value < 1)) return null;
  const isNoneTolerated = worse === "higher" ? value === 0 : value === 1;
  if (!isNoneTolerated) return misread(`\`${text}\` is never broken by ${label}.`, limitFix(metric));
  const [tolerated, plain] = worse === "higher" ? ["0.1%", "> 0%"] : ["99.9%", "< 100%"];
  return misread(
    `No number of requests can show that ${label} ${worse === "higher" ? "are never above 0%" : "is never below 100%"}.`,
    `Write what can be tolerated, like \`${tolerated}\`, or \`"${plain}"\` with \`minEvents: 1\`, which a single bad request in the window breaks.`,
  );
}

/** No rate is above all or below none, over whichever window; null: it can be broken. */
function neverBroken(metric: Metric, text: string, value: number): Parsed<Limit> | null {
  const { unit, worse, label } = METRICS[metric];
  if (unit !== "share" || metric === "cpu" || value !== (worse === "higher" ? 1 : 0)) return null;
  return misread(`\`${text}\` is never broken by ${label}.`, limitFix(metric));
}

/** How limits of a metric are written, for messages and the reference. */
export function limitFix(metric: Metric): string {
  const { unit, worse, label } = METRICS[metric];
  const absolute = {
    share: worse === "higher" ? "`1%`" : "`99.9%`",
    ms: "`800ms` or `3s`",
    count: "a plain number, `2`",
  }[unit];
  const relative = unit === "count" ? "" : `, or \`${worse === "higher" ? "1.5x" : "0.99x"}\` against stable`;
  const growth = metric === "memory" ? ", or `+2%/h` for its growth" : "";
  return `Limits on ${label} are written as ${absolute}${relative}${growth}.`;
}

function parseComparison(metric: Metric, text: string, sign: string, rest: string): Parsed<Limit> {
  const { worse, label } = METRICS[metric];
  const expected = worse === "higher" ? ">" : "<";
  if (sign !== expected)
    return misread(
      `\`${text}\` would fail a healthy version: ${worse === "higher" ? "more" : "less"} is worse for ${label}.`,
      `Write \`${expected} ${rest}\`.`,
    );
  const value = parseAbsolute(metric, rest);
  return value.ok && value.value.kind === "absolute" ? parsed({ kind: "plain", value: value.value.value }) : value;
}

function parseFactor(metric: Metric, text: string): Parsed<Limit> {
  const { unit, worse, label } = METRICS[metric];
  if (unit === "count")
    return misread(
      `\`${text}\` compares ${label} with stable, which says nothing: stable has mostly none.`,
      limitFix(metric),
    );
  const factor = Number(text.slice(0, -1));
  const harmless = worse === "higher" ? factor <= 1 : factor >= 1 || factor <= 0;
  if (harmless)
    return misread(
      `\`${text}\` would fail a version that is as good as stable.`,
      worse === "higher"
        ? `More is worse for ${label}: write a factor above 1, like \`1.5x\`.`
        : `Less is worse for ${label}: write a factor below 1, like \`0.99x\`.`,
    );
  return parsed({ kind: "relative", factor });
}

function parseGrowth(metric: Metric, text: string, part: string): Parsed<Limit> {
  if (metric !== "memory")
    return misread(
      `\`${text}\` is how fast something grows, which is looked at of memory alone: all else follows the traffic.`,
      limitFix(metric),
    );
  const value = parsePercent(part);
  if (!value.ok) return misread(value.what, limitFix(metric));
  return value.value > 0
    ? parsed({ kind: "growth", value: value.value })
    : misread(`\`${text}\` would fail a version that does not grow at all.`, "Write how much is too much: `+2%/h`.");
}

function parseAbsolute(metric: Metric, text: string): Parsed<Limit> {
  const value = absoluteValue(metric, text);
  if (!value.ok) return misread(value.what, limitFix(metric));
  const { unit, label } = METRICS[metric];
  // Of CPU there may be several cores; of everything else that is a share there is at most the whole.
  if (unit === "share" && metric !== "cpu" && value.value > 1)
    return misread(`\`${text}\` is never reached: ${label} can't be more than 100%.`, limitFix(metric));
  if (unit === "ms" && value.value === 0) return misread(`\`${text}\` is broken by every answer.`, limitFix(metric));
  return parsed({ kind: "absolute", value: value.value });
}

function absoluteValue(metric: Metric, text: string): Parsed<number> {
  const { unit } = METRICS[metric];
  if (unit === "share") return parsePercent(text);
  if (unit === "ms") return parseDuration(text);
  return /^\d+$/.test(text) ? parsed(Number(text)) : misread(`\`${text}\` is not a whole number.`, "");
}
