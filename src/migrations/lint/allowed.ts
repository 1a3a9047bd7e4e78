import { nearest } from "../../core/text/nearest.ts";
import { commentsIn } from "../sql/comments.ts";
import { RULE_NAMES } from "./catalogue.ts";

/** `-- tidegate:allow RULE because …`, before a statement or at the end of its last line. */
export interface Allowed {
  readonly rule: string;
  /** Absent: nobody said. */
  readonly because?: string;
  /** The comment that was to allow it and does not: `-- tidegate:alow RULE because …`. */
  readonly misspelt?: string;
}

const ALLOW = /--[ \t]*tidegate:allow[ \t]+([\w-]+)(?:[ \t]+because[ \t]+(\S[^\n]*))?/g;

/** What is allowed of the statement from `start` to `end`, or was meant to be; the one before it ended at `before`. */
export function allowedAt(text: string, before: number, start: number, end: number): readonly Allowed[] {
  // The rest of the line on which the one before ended belongs to that.
  const lineEnd = text.indexOf("\n", before);
  const from = before === 0 || lineEnd === -1 ? before : Math.min(lineEnd, start);
  const tail = text.indexOf("\n", end);
  const places = [text.slice(from, start), text.slice(end, tail === -1 ? undefined : tail)];
  return places.flatMap((place) => [...allowedIn(place), ...misspeltIn(place)]);
}

function allowedIn(place: string): readonly Allowed[] {
  return [...place.matchAll(ALLOW)].map(([, rule = "", because]): Allowed => ({
    rule,
    ...(because === undefined ? {} : { because: because.trim() }),
  }));
}

function misspeltIn(place: string): readonly Allowed[] {
  return commentsIn(place).flatMap(({ whole, words }) => {
    const rule = whole.search(ALLOW) === -1 ? ruleMeant(words) : null;
    return rule === null ? [] : [{ rule, misspelt: whole.trim() }];
  });
}

/** The rule that a comment was to allow; null: it says something else, to people. */
function ruleMeant(words: string): string | null {
  const [, to = "", sign = "", verb = "", rule = "", rest = ""] = MEANT.exec(words) ?? [];
  if (nearest(to, ["tidegate"]) === undefined) return null;
  const isAllow = nearest(verb, ["allow"]) !== undefined;
  const known = [rule, verb].find((each) => RULE_NAMES.has(each));
  if (known !== undefined) return isAllow || sign !== "" ? known : null;
  return isAllow && sign !== "" && /^(?:\s*|\s+because\b.*)$/.test(rest) ? rule : null;
}

/** `tidegate:alow RULE because …`, `tidegate: allow RULE`, `tidegat:allow RULE`, `# tidegate:ignore RULE`. */
const MEANT = /^[^a-z]*([a-z]+)[ \t]*([:;=_-]?)[ \t]*([a-z][\w-]*)[ \t:=]*([\w-]*)(.*)/is;
