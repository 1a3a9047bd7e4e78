import type { Window } from "../../core/plan/step.ts";
import { HOUR } from "../../core/time/time.ts";
import { parseTimesOfWeek } from "../../core/time/week.ts";
import { isZone } from "../../core/time/zone.ts";
import type { Path } from "../reading/located.ts";
import type { Told } from "./context.ts";

export type WindowConfig = string | string[] | { readonly quietest: number; readonly zone: string };

/** `quietest`, `{ quietest: 3h }`, or times of week in one time zone. */
export function compileWindow(written: WindowConfig, path: Path, told: Told): Window {
  if (written === "quietest") return { kind: "quietest", hours: 3, zone: "UTC" };
  if (typeof written === "object" && !Array.isArray(written)) return compileQuietest(written, path, told);
  const texts = Array.isArray(written) ? written : [written];
  const spans: { fromMinute: number; toMinute: number }[] = [];
  let zone: string | undefined;
  texts.forEach((text, index) => {
    const at = Array.isArray(written) ? [...path, index] : path;
    const result = parseTimesOfWeek(text);
    if (!result.ok) return tell(told, at, result.what, result.fix);
    checkZone(result.value.zone, at, told);
    if (zone !== undefined && zone !== result.value.zone)
      tell(
        told,
        at,
        `This window is in \`${result.value.zone}\`, the one before in \`${zone}\`.`,
        "Write all times of one window in one time zone.",
      );
    zone ??= result.value.zone;
    spans.push(...result.value.spans);
  });
  return { kind: "times", spans, zone: zone ?? "UTC", text: texts.join(", ") };
}

function compileQuietest(
  written: { readonly quietest: number; readonly zone: string },
  path: Path,
  told: Told,
): Window {
  const hours = written.quietest / HOUR;
  if (!Number.isInteger(hours) || hours < 1 || hours > 23)
    tell(
      told,
      [...path, "quietest"],
      "The quietest part of a day is counted in whole hours, from 1 to 23.",
      "Write `quietest: 3h`.",
    );
  checkZone(written.zone, [...path, "zone"], told);
  return { kind: "quietest", hours, zone: written.zone };
}

function checkZone(zone: string, path: Path, told: Told): void {
  if (isZone(zone)) return;
  const what = `\`${zone}\` is not a time zone.`;
  const fix = "Write one like `Europe/Berlin` or `UTC`.";
  told.plan.push({ code: "plan-name-unknown", what, fix, path, on: "value", part: zone });
}

function tell(told: Told, path: Path, what: string, fix: string): void {
  told.plan.push({ code: "plan-value-invalid", what, fix, path, on: "value" });
}
