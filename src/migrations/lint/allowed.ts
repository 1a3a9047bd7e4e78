/** `-- tidegate:allow RULE because …`, before a statement or at the end of its last line. */
export interface Allowed {
  readonly rule: string;
  /** Absent: nobody said. */
  readonly because?: string;
}

const ALLOW = /--[ \t]*tidegate:allow[ \t]+([\w-]+)(?:[ \t]+because[ \t]+(\S[^\n]*))?/g;

/** What is allowed of the statement from `start` to `end`; the one before it ended at `before`. */
export function allowedAt(text: string, before: number, start: number, end: number): readonly Allowed[] {
  // The rest of the line on which the one before ended belongs to that.
  const lineEnd = text.indexOf("\n", before);
  const from = before === 0 || lineEnd === -1 ? before : Math.min(lineEnd, start);
  const tail = text.indexOf("\n", end);
  const places = [text.slice(from, start), text.slice(end, tail === -1 ? undefined : tail)];
  return places.flatMap((place) =>
    [...place.matchAll(ALLOW)].map(([, rule = "", because]): Allowed => ({
      rule,
      ...(because === undefined ? {} : { because: because.trim() }),
    })),
  );
}
