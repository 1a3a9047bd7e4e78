import { FaultError } from "../../../core/fault.ts";
import { HTTPLOG } from "./fragment.ts";

/** A section of an HAProxy configuration: `frontend www`, `defaults`. */
export interface Section {
  readonly keyword: string;
  /** Empty where it has none. */
  readonly name: string;
  /** `defaults` that it builds on by name. */
  readonly from: string | null;
  /** Lines, counted from 0: its heading, and the first that is no more of it. */
  readonly begins: number;
  readonly ends: number;
}

const HEADING =
  /^\s*(global|defaults|frontend|backend|listen|peers|resolvers|userlist|mailers|cache|program|http-errors|ring|log-forward|fcgi-app|http-client|crt-store|traces|acme)(?:\s+([^\s#]+))?(?:\s+from\s+([^\s#]+))?\s*(?:#.*)?$/;

/** HTTP's common log format, as HAProxy writes it. */
const CLF =
  '%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl';

export function sectionsIn(lines: readonly string[]): readonly Section[] {
  const found = lines.flatMap((line, index) => {
    const [, keyword, name = "", from] = HEADING.exec(line) ?? [];
    return keyword === undefined ? [] : [{ keyword, name, from: from ?? null, begins: index }];
  });
  return found.map((section, index) => ({ ...section, ends: found[index + 1]?.begins ?? lines.length }));
}

/** The frontend that takes the app's requests: the one that is named, or the only one. Faults: haproxy-frontend-unclear. */
export function frontendIn(lines: readonly string[], name: string | undefined, where: string): Section {
  const all = sectionsIn(lines).filter(({ keyword }) => keyword === "frontend" || keyword === "listen");
  const named = name === undefined ? all : all.filter((each) => each.name === name);
  const [only] = named;
  if (only !== undefined && named.length === 1) return only;
  const names = all.map((each) => each.name).join(", ");
  throw new FaultError({
    code: "haproxy-frontend-unclear",
    what:
      all.length === 0
        ? "This configuration has no frontend."
        : name === undefined
          ? `This configuration has ${all.length} frontends (${names}), and nobody has said which of them takes the app's requests.`
          : `This configuration has no frontend ${name}; it has ${names}.`,
    where,
    fix: all.length === 0 ? "name the file that has it" : `name it: --frontend ${all[0]?.name ?? "NAME"}`,
  });
}

/**
 * What a frontend logs by now, Tidegate's own lines apart: in its own words, by its defaults, or as `httplog`; empty where it
 * logs nowhere.
 */
export function logFormatOf(lines: readonly string[], frontend: Section): string {
  const sections = [frontend, defaultsOf(lines, frontend)].filter((section) => section !== null);
  const logs = sections.some(({ begins, ends }) => lines.slice(begins, ends).some((line) => /^\s*log\s/.test(line)));
  if (!logs) return "";
  for (const section of sections) {
    const own = lines.slice(section.begins + 1, section.ends);
    for (const line of own.toReversed()) {
      const written = /^\s*log-format\s+(.*)$/.exec(line)?.[1];
      if (written !== undefined) return unquoted(written.trim());
      if (/^\s*option\s+httplog\s+clf\b/.test(line)) return CLF;
      if (/^\s*option\s+httplog\b/.test(line)) return HTTPLOG;
    }
  }
  return HTTPLOG;
}

/** Settings by which HAProxy would keep requests from the log, and so from Tidegate: a sentence each. */
export function hidesRequests(lines: readonly string[], frontend: Section): readonly string[] {
  const own = lines.slice(frontend.begins, frontend.ends);
  const base = defaultsOf(lines, frontend);
  const all = [...own, ...(base === null ? [] : lines.slice(base.begins, base.ends))];
  const reasons: readonly (readonly [RegExp, string])[] = [
    [/^\s*option\s+dontlog-normal\b/, "`option dontlog-normal` keeps good answers from the log"],
    [/^\s*option\s+logasap\b/, "`option logasap` logs requests before they have ended"],
    [/^\s*http-(?:request|response)\s+set-log-level\s+silent\b/, "`set-log-level silent` keeps requests from the log"],
    [/^\s*no\s+log\b/, "`no log` keeps requests from the log"],
  ];
  return reasons.flatMap(([pattern, what]) =>
    all.some((line) => pattern.test(line))
      ? [`${what}: Tidegate sees only a part of the requests, and says so while it watches.`]
      : [],
  );
}

function defaultsOf(lines: readonly string[], { from, begins }: Section): Section | null {
  const all = sectionsIn(lines).filter(({ keyword }) => keyword === "defaults");
  if (from !== null) return all.find(({ name }) => name === from) ?? null;
  return all.findLast((section) => section.begins < begins) ?? null;
}

/** A word of HAProxy's configuration, as it means it. */
function unquoted(written: string): string {
  if (written.startsWith('"')) return /^"((?:[^"\\]|\\.)*)"/.exec(written)?.[1]?.replaceAll('\\"', '"') ?? written;
  if (written.startsWith("'")) return /^'([^']*)'/.exec(written)?.[1] ?? written;
  return written.replaceAll(/\\(.)/g, "$1");
}
