import { markdownItems } from "../../config/markdown-items.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../../core/time/time.ts";
import { spellDuration } from "../../core/text/units.ts";

/** What of a Markdown plan became steps, and what became checklists. */
export interface MarkdownPlan {
  readonly steps: readonly MarkdownStep[];
  /** Checklists to write, by file name. */
  readonly checklists: readonly { readonly file: string; readonly text: string; readonly items: number }[];
  /** What was read how, a sentence each. */
  readonly notes: readonly string[];
}

/** As the plan file has it: a bare name, or a verb and its value. */
export type MarkdownStep = string | Readonly<Record<string, unknown>>;

const BEFORE = "checklists/before-release.md";
const AFTER = "checklists/after-release.md";

/**
 * A plan that people follow by hand, as steps: growing shares of the traffic with their times become shifts, sign-offs
 * of later days approvals, every other item of a task list an item of a checklist, before or after the release.
 */
export function fromMarkdown(text: string, name: string): MarkdownPlan {
  const shifts = shiftsIn(text);
  const items = markdownItems(text).items;
  const days = signOffDays(text);
  const open = items.filter(({ text: item, headings }) => sharesIn(item, headings.at(-1) ?? "").length === 0);
  const late = open.filter(({ text: item, headings }) => isAfter([...headings, item].join(" ")));
  const early = open.filter((item) => !late.includes(item));
  const checklists = [
    ...(early.length === 0 ? [] : [checklist(BEFORE, "Before the release", early, name)]),
    ...(late.length === 0 ? [] : [checklist(AFTER, "After the release", late, name)]),
  ];
  const has = (file: string): boolean => checklists.some((one) => one.file === file);
  const steps: readonly MarkdownStep[] = [
    ...(has(BEFORE) ? [{ check: BEFORE }] : []),
    ...(/\b(?:approv|sign[- ]?off|go[/ -]no[- ]?go)/i.test(text) ? [{ approve: "anyone", name: "go-live" }] : []),
    "smoke",
    ...shifts.map(({ share, forMs }) => ({
      shift: `${share}%`,
      ...(forMs === null ? {} : { for: spellDuration(forMs) }),
    })),
    ...(has(AFTER) ? [{ check: AFTER }] : []),
    ...days.map((day) => ({ approve: "anyone", name: `day-${day}`, after: `${day}d` })),
    "retire",
  ];
  return { steps, checklists, notes: notesOf(shifts, checklists, days, name, text) };
}

interface Shift {
  readonly share: number;
  readonly forMs: number | null;
  readonly isFound: boolean;
}

/** Lines that speak of a growing part of the traffic; the last shift is 100 %, named or not. */
function shiftsIn(text: string): readonly Shift[] {
  const found: Shift[] = [];
  let heading = "";
  for (const line of text.split("\n")) {
    if (/^#+ /.test(line)) heading = line;
    for (const shift of sharesIn(line, heading)) if (shift.share > (found.at(-1)?.share ?? 0)) found.push(shift);
  }
  const shifts = found.length > 0 ? found : [5, 25].map((share) => ({ share, forMs: null, isFound: false }));
  return shifts.at(-1)?.share === 100 ? shifts : [...shifts, { share: 100, forMs: null, isFound: false }];
}

/**
 * The shares of the traffic that a line is about, each with the time that stands behind it: "5% for 10 minutes, then
 * 25%". Empty when its percentages are something else's. What is about traffic may stand in the heading.
 */
function sharesIn(line: string, heading: string): readonly Shift[] {
  const isTraffic = /traffic|users?\b|visitors?|canary|roll-?out|ramp|shift|weight|cohort|deploy/i.test(
    `${heading} ${line}`,
  );
  const isOther =
    /error|cpu|memory|disk|latency|p9\d|success|availab|uptime|coverage|threshold|cache|[<>≤≥]|below|above|under|over\b|less|more than/i.test(
      // An arrow between two shares is no limit.
      line.replaceAll(/[-=]>/g, "→"),
    );
  if (!isTraffic || isOther) return [];
  return [...line.matchAll(/(\d{1,3}(?:\.\d+)?)\s?%/g)].flatMap(({ 0: text, 1: share, index }, at, all) => {
    // Where one share stands alone, its time may stand before it.
    const about = all.length === 1 ? line.replace(text, "") : line.slice(index + text.length, all[at + 1]?.index);
    return Number(share) > 100 ? [] : [{ share: Number(share), forMs: durationIn(about), isFound: true }];
  });
}

const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^s(ec(ond)?s?)?$/i, SECOND],
  [/^m(in(ute)?s?)?$/i, MINUTE],
  [/^h(ours?|rs?)?$/i, HOUR],
  [/^d(ays?)?$/i, DAY],
  [/^w(eeks?)?$/i, 7 * DAY],
];

function durationIn(line: string): number | null {
  const match = /(\d+(?:\.\d+)?)\s*-?\s*(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)\b/i.exec(
    line,
  );
  const unit = UNITS.find(([pattern]) => pattern.test(match?.[2] ?? ""))?.[1];
  return match === null || unit === undefined ? null : Math.round(Number(match[1]) * unit);
}

/** `Day 1`, `Day 7`, `24 hours after`: when somebody looks again. */
function signOffDays(text: string): readonly number[] {
  const days = [...text.matchAll(/\bday[ -]?(\d{1,2})\b/gi)].map(([, day]) => Number(day));
  return [...new Set(days)].filter((day) => day > 0 && day <= 60).toSorted((a, b) => a - b);
}

function isAfter(text: string): boolean {
  return /\b(?:post[- ]?(?:deploy|release|launch)|after (?:the )?(?:deploy|release|launch|go)|follow-?up|day[ -]?\d|week[ -]?\d)/i.test(
    text,
  );
}

function checklist(
  file: string,
  title: string,
  items: readonly { readonly text: string; readonly headings: readonly string[] }[],
  name: string,
): MarkdownPlan["checklists"][number] {
  const lines: string[] = [`# ${title}`, "", `Taken from ${name} by tidegate init.`];
  let heading = "";
  for (const { text, headings } of items) {
    const own = headings.at(-1) ?? "";
    if (own !== heading && own !== "") lines.push("", `## ${own}`, "");
    else if (heading === "" && lines.length === 3) lines.push("");
    heading = own;
    lines.push(`- [ ] ${text}`);
  }
  return { file, text: `${lines.join("\n")}\n`, items: items.length };
}

function notesOf(
  shifts: readonly Shift[],
  checklists: MarkdownPlan["checklists"],
  days: readonly number[],
  name: string,
  text: string,
): readonly string[] {
  const found = shifts.filter(({ isFound }) => isFound).map(({ share }) => `${share}%`);
  const later = /\bmigrat|\bbackup|feature flag/i.test(text);
  return [
    found.length === 0
      ? `No shares of the traffic were found in ${name}: the default ones are in the plan.`
      : `Shifts from ${name}: ${found.join(", ")}.`,
    ...checklists.map(({ file, items }) => `${items} ${items === 1 ? "item" : "items"} went into ${file}.`),
    ...(days.length === 0 ? [] : [`Sign-offs: ${days.map((day) => `day ${day}`).join(", ")}.`]),
    ...(later
      ? [
          "Backups, migrations and flags stay items that people tick: put their commands into `run:` steps, with an `undo`, where they are to run by themselves.",
        ]
      : []),
  ];
}
