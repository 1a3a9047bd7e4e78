import type { HaproxyPlan } from "../../../core/plan/traffic.ts";
import { frontendIn, hidesRequests, logFormatOf } from "./configuration.ts";
import { type FragmentPlan, fragmentOf } from "./fragment.ts";

/** A configuration with Tidegate's part in it. */
export interface Edited {
  readonly text: string;
  readonly frontend: string;
  /** What stands in the way of seeing all requests, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Puts Tidegate's part into a configuration, in three blocks between marks: the rules before the frontend's first
 * `use_backend`, the backend and the log at its end, so that the user's own rules go first, and the rest at the end of the
 * file. A block that is there already is replaced where it stands; nothing else is touched. Pure. Faults:
 * haproxy-frontend-unclear.
 */
export function withFragment(
  text: string,
  plan: FragmentPlan,
  haproxy: HaproxyPlan,
  { frontend: name, where }: { readonly frontend?: string | undefined; readonly where: string },
): Edited {
  const mark = (part: string): string => `${plan.app} ${plan.environment}: ${part}`;
  const [rules, ending, sections] = [mark("rules"), mark("backend and log"), mark("sections")];
  const all = text.split("\n");
  const bare = [rules, ending, sections].reduce(without, all);
  const own = frontendIn(bare, name, where);
  const fragment = fragmentOf(plan, haproxy, logFormatOf(bare, own));
  const indent = /^(\s+)\S/.exec(bare[own.begins + 1] ?? "")?.[1] ?? "    ";

  let lines: readonly string[] = all;
  /** Where it stands, or at `place`. */
  const put = (title: string, content: string, margin: string, place: () => number): void => {
    const block = blockOf(title, content, margin);
    const [begins, ends] = find(lines, title) ?? [place(), place()];
    lines = [...lines.slice(0, begins), ...block, ...lines.slice(ends)];
  };
  const frontend = (): { readonly begins: number; readonly ends: number } => frontendIn(lines, own.name, where);
  put(rules, fragment.rules, indent, () => {
    const { begins, ends } = frontend();
    const first = lines.findIndex((line, at) => at > begins && at < ends && /^\s*(use|default)_backend\b/.test(line));
    return first === -1 ? endOfSection(lines, ends) : first;
  });
  put(ending, fragment.ending, indent, () => endOfSection(lines, frontend().ends));
  put(sections, fragment.sections, "", () => endOfSection(lines, lines.length));
  return { text: lines.join("\n"), frontend: own.name, notes: hidesRequests(bare, own) };
}

function begin(title: string): string {
  return `# tidegate begin ${title}`;
}

function end(title: string): string {
  return `# tidegate end ${title}`;
}

function blockOf(title: string, content: string, margin: string): readonly string[] {
  const lines = [begin(title), ...content.trimEnd().split("\n"), end(title)];
  return [...(margin === "" ? [""] : []), ...lines.map((line) => (line === "" ? "" : `${margin}${line}`))];
}

/** From the mark at a block's beginning, or the blank line before it, to the line after its end. */
function find(lines: readonly string[], title: string): readonly [number, number] | null {
  const begins = lines.findIndex((line) => line.trim() === begin(title));
  const ends = lines.findIndex((line, index) => index > begins && line.trim() === end(title));
  if (begins === -1 || ends === -1) return null;
  const isApart = lines[begins] === begin(title) && lines[begins - 1] === "";
  return [isApart ? begins - 1 : begins, ends + 1];
}

function without(lines: readonly string[], title: string): string[] {
  const found = find(lines, title);
  return found === null ? [...lines] : [...lines.slice(0, found[0]), ...lines.slice(found[1])];
}

/** Blank lines and comments in the first column before the next heading belong to that. */
function endOfSection(lines: readonly string[], ends: number): number {
  let at = ends;
  while (at > 0 && /^\s*$|^#/.test(lines[at - 1] ?? "")) at -= 1;
  return at;
}
