import type { WeeklySpan } from "../plan/step.ts";
import { misread, type Parsed, parsed } from "../text/units.ts";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const DAY_MINUTES = 24 * 60;
const WEEK_MINUTES = 7 * DAY_MINUTES;

const GROUPS: ReadonlyMap<string, readonly number[]> = new Map([
  ["daily", [0, 1, 2, 3, 4, 5, 6]],
  ["weekdays", [0, 1, 2, 3, 4]],
  ["weekends", [5, 6]],
]);

const FIX = 'Write days, hours and the time zone: "Tue-Thu 09:00-16:00 Europe/Berlin".';

export interface TimesOfWeek {
  /** One a day, in the order in which the days were written. */
  readonly spans: readonly WeeklySpan[];
  /** As written; whether such a zone exists is for the caller to find out. */
  readonly zone: string;
}

/**
 * Times of week: `Tue-Thu 09:00-16:00 Europe/Berlin`. Days are a range (`Fri-Mon` goes over the week's end), a list
 * (`Mon,Wed`), `daily`, `weekdays` or `weekends`. Hours that end before they begin (`22:00-04:00`) go over midnight.
 */
export function parseTimesOfWeek(text: string): Parsed<TimesOfWeek> {
  const match = /^(\S+)\s+(\d{1,2}:\d{2})\s*[-–]\s*(\d{1,2}:\d{2})(?:\s+(\S+))?$/.exec(text.trim());
  if (match === null) return misread(`\`${text}\` is not a time of week.`, FIX);
  const [, dayText = "", fromText = "", toText = "", zone] = match;
  const days = parseDays(dayText);
  if (days === null) return misread(`\`${dayText}\` is not a day of the week.`, FIX);
  const from = parseClock(fromText);
  const to = parseClock(toText);
  if (from === null || from === DAY_MINUTES) return misread(`\`${fromText}\` is not a time of day.`, FIX);
  if (to === null) return misread(`\`${toText}\` is not a time of day.`, FIX);
  if (from === to) return misread(`\`${fromText}-${toText}\` has no length.`, "Write `00:00-24:00` for the whole day.");
  if (zone === undefined)
    return misread(`\`${text}\` has no time zone.`, `Add it: "${text.trim()} Europe/Berlin", or "${text.trim()} UTC".`);
  const length = (to > from ? to : to + DAY_MINUTES) - from;
  const spans = days.map((day): WeeklySpan => {
    const fromMinute = day * DAY_MINUTES + from;
    return { fromMinute, toMinute: (fromMinute + length) % WEEK_MINUTES };
  });
  return parsed({ spans, zone });
}

function parseDays(text: string): readonly number[] | null {
  const group = GROUPS.get(text.toLowerCase());
  if (group !== undefined) return group;
  const days: number[] = [];
  for (const part of text.split(",")) {
    const ends = part.split(/[-–]/).map(dayIndex);
    const [first, last = first] = ends;
    if (ends.length > 2 || first === undefined || first === -1 || last === undefined || last === -1) return null;
    for (let day = first; ; day = (day + 1) % 7) {
      if (!days.includes(day)) days.push(day);
      if (day === last) break;
    }
  }
  return days;
}

/** `Tue`, `tuesday`; −1 for what is no day. */
function dayIndex(text: string): number {
  const name = text.toLowerCase();
  if (!/^(mon|tues?|wed(nes)?|thu(rs?)?|fri|sat(ur)?|sun)(day)?$/.test(name)) return -1;
  return DAYS.findIndex((day) => name.startsWith(day));
}

/** Minutes since midnight; 24:00 is the end of the day. */
function parseClock(text: string): number | null {
  const [hours = Number.NaN, minutes = Number.NaN] = text.split(":").map(Number);
  const total = hours * 60 + minutes;
  return minutes < 60 && total <= DAY_MINUTES ? total : null;
}
