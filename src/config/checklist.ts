import type { Checklist, ChecklistItem, MachineCheck } from "../core/plan/checklist.ts";
import { nearest } from "../core/text/nearest.ts";
import { parseDuration, type Parsed } from "../core/text/units.ts";
import type { Duration } from "../core/time/time.ts";
import { parseMachineCheck } from "./machine-check.ts";
import { type MarkdownItem, markdownItems, type Remark } from "./markdown-items.ts";
import type { Place, Source } from "./reading/located.ts";
import { partOf, type Problem } from "./reading/problem.ts";
import { slug } from "./slug.ts";

export interface ChecklistRead {
  readonly checklist: Checklist;
  readonly problems: readonly Problem[];
  /** Where the roles and the texts of checks stand, for what only the plan can find wrong with them. */
  readonly roles: readonly { readonly role: string; readonly place: Place }[];
  readonly checks: readonly { readonly check: MachineCheck; readonly place: Place }[];
}

/**
 * A Markdown task list. An item may carry remarks, HTML comments that no Markdown viewer shows:
 * `<!-- check: http https://… -->`, `<!-- role: qa -->`, `<!-- within: 2m -->`. `name` is the file as the plan has it.
 */
export function parseChecklist(source: Source, name: string): ChecklistRead {
  const { items, strays, malformed } = markdownItems(source.text);
  const problems: Problem[] = [];
  const reading: Reading = { source, problems, roles: [], checks: [], ids: new Map() };
  for (const { start, end } of malformed)
    tell(
      reading,
      { source, start, end },
      "This line looks like a checklist item, and is none.",
      "Write `- [ ] text`, with a space in the brackets and one after them.",
    );
  for (const stray of strays) {
    if (isRemark(stray))
      tell(
        reading,
        placeOfRemark(reading, stray),
        `\`${stray.text}\` belongs to no item.`,
        "Put the comment at the end of its item's line.",
      );
  }
  const list = items.map((item) => readItem(reading, item));
  if (list.length === 0 && malformed.length === 0)
    tell(
      reading,
      { source },
      `${name} holds no checklist item.`,
      "An item is a line like `- [ ] Staging has been validated`.",
    );
  return { checklist: { source: name, items: list }, problems, roles: reading.roles, checks: reading.checks };
}

interface Reading {
  readonly source: Source;
  readonly problems: Problem[];
  readonly roles: { readonly role: string; readonly place: Place }[];
  readonly checks: { readonly check: MachineCheck; readonly place: Place }[];
  readonly ids: Map<string, number>;
}

const KEYS = ["check", "role", "within"] as const;
type Key = (typeof KEYS)[number];

function readItem(reading: Reading, item: MarkdownItem): ChecklistItem {
  const remarks = readRemarks(reading, item);
  const within = readWithin(reading, remarks.within);
  const check = readCheck(reading, remarks.check, within);
  const { role } = remarks;
  if (role !== undefined) reading.roles.push({ role: role.value, place: role.place });
  return {
    id: uniqueId(reading, item),
    text: item.text,
    headings: item.headings,
    ticked: item.ticked,
    ...(role === undefined ? {} : { role: role.value }),
    ...(check === undefined ? {} : { check }),
  };
}

interface Written {
  readonly value: string;
  readonly place: Place;
}

function readRemarks(reading: Reading, item: MarkdownItem): Partial<Record<Key, Written>> {
  const found: Partial<Record<Key, Written>> = {};
  for (const remark of item.remarks) {
    const match = /^(\w+)\s*:\s*(.*)$/s.exec(remark.text);
    const word = (match?.[1] ?? "").toLowerCase();
    const value = match?.[2]?.trim() ?? "";
    const place = placeOfRemark(reading, remark);
    const key = KEYS.find((known) => known === word);
    if (key === undefined) {
      const near = nearest(word, KEYS);
      // Any other comment is the writer's own.
      if (near !== undefined) tell(reading, place, `\`${word}\` is not known here; did you mean \`${near}\`?`);
    } else if (value === "") tell(reading, place, `\`${key}\` is empty.`);
    else if (found[key] !== undefined)
      tell(reading, place, `This item has two remarks \`${key}\`.`, "Make it two items.");
    else found[key] = { value, place: partOf(place, value) };
  }
  return found;
}

function readWithin(reading: Reading, within: Written | undefined): Duration | undefined {
  return within === undefined ? undefined : valueOrTell(reading, within.place, parseDuration(within.value));
}

function readCheck(
  reading: Reading,
  check: Written | undefined,
  within: Duration | undefined,
): MachineCheck | undefined {
  if (check === undefined) return undefined;
  const value = valueOrTell(reading, check.place, parseMachineCheck(check.value, within));
  if (value !== undefined) reading.checks.push({ check: value, place: check.place });
  return value;
}

function valueOrTell<T>(reading: Reading, place: Place, result: Parsed<T>): T | undefined {
  if (result.ok) return result.value;
  tell(reading, place, result.what, result.fix);
  return undefined;
}

/** Stable while the text is; the second of the same gets `-2`. */
function uniqueId(reading: Reading, item: MarkdownItem): string {
  const base = [...item.headings, item.text]
    .map(slug)
    .filter((part) => part !== "")
    .join("/");
  const count = (reading.ids.get(base) ?? 0) + 1;
  reading.ids.set(base, count);
  return count === 1 ? base : `${base}-${count}`;
}

function isRemark({ text }: Remark): boolean {
  return KEYS.some((key) => new RegExp(String.raw`^${key}\s*:`, "i").test(text));
}

function placeOfRemark({ source }: Reading, { start, end }: Remark): Place {
  return { source, start, end };
}

function tell(reading: Reading, place: Place, what: string, fix?: string): void {
  reading.problems.push({ code: "checklist-invalid", what, place, ...(fix === undefined ? {} : { fix }) });
}
