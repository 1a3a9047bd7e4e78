import type { Instant } from "../../core/time/time.ts";

/** Local time of day: what a reader compares with their own clock. */
export function timeOfDay(at: Instant): string {
  const date = new Date(at);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
