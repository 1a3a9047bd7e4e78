import { DAY, type Duration, type Instant, MINUTE } from "./time.ts";

export const MINUTES_A_WEEK = 7 * 24 * 60;

/** Whether the machine knows the time zone: `Europe/Berlin`, `UTC`. */
export function isZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** Minutes since Monday 00:00 on a clock in the zone. */
export function minuteOfWeek(at: Instant, zone: string): number {
  const local = Math.floor((at + offsetAt(at, zone)) / MINUTE);
  // 1970-01-01 was a Thursday.
  return (((local + 3 * 24 * 60) % MINUTES_A_WEEK) + MINUTES_A_WEEK) % MINUTES_A_WEEK;
}

/** How far a clock in the zone is ahead of UTC. */
export function offsetAt(at: Instant, zone: string): Duration {
  const field: Record<string, number> = {};
  for (const part of formatOf(zone).formatToParts(at)) field[part.type] = Number(part.value);
  const local =
    daysSinceEpoch(field["year"] ?? 1970, field["month"] ?? 1, field["day"] ?? 1) * DAY +
    (((field["hour"] ?? 0) * 60 + (field["minute"] ?? 0)) * 60 + (field["second"] ?? 0)) * 1_000;
  return local - Math.floor(at / 1_000) * 1_000;
}

const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** `Sat 01:00`, as a clock in the zone shows it. */
export function weekdayAndTime(at: Instant, zone: string): string {
  const minute = minuteOfWeek(at, zone);
  return `${WEEKDAYS[Math.floor(minute / (24 * 60))] ?? ""} ${clockTime(minute)}`;
}

/** `01:00` of a minute of the week or the day. */
export function clockTime(minute: number): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(Math.floor(minute / 60) % 24)}:${two(minute % 60)}`;
}

// Making a format costs more than using it a hundred times.
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    calendar: "iso8601",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(zone, made);
  return made;
}

/** Days from 1970-01-01 to a date of the Gregorian calendar. Source: Howard Hinnant, "days_from_civil". */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
