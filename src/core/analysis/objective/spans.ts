/** What came in a span of time: requests, bad ones among them, and the seconds of it that somebody watched. */
export type Span = readonly [requests: number, bad: number, watched: number];

/** Spans of one length, one after the other, the newest last: a sum over hours that stays small. */
export interface Spans {
  /** The second with which the newest began. */
  readonly begins: number;
  readonly spans: readonly Span[];
}

/** How long a span is, and how many are kept. */
export interface SpanSize {
  readonly seconds: number;
  readonly count: number;
}

const EMPTY: Span = [0, 0, 0];

/** With what came in one second more. What nobody counted meanwhile leaves empty spans; what is older than all of them is forgotten. */
export function withSecond(
  before: Spans | null,
  { seconds, count }: SpanSize,
  second: number,
  [requests, bad, watched]: Span,
): Spans {
  const { begins, spans } = before ?? { begins: second, spans: [EMPTY] };
  const later = Math.max(0, Math.floor((second - begins) / seconds));
  const moved =
    later === 0 ? [...spans] : [...spans, ...Array.from({ length: Math.min(later, count) }, () => EMPTY)].slice(-count);
  const newest = begins + later * seconds;
  const index = moved.length - 1 - Math.ceil((newest - second) / seconds);
  const [n, k, seen] = moved[index] ?? EMPTY;
  if (index >= 0) moved[index] = [n + requests, k + bad, seen + watched];
  return { begins: newest, spans: moved };
}

/** Of the newest spans, so many. */
export function sumOf({ spans }: Spans, newest: number): Span {
  return spans
    .slice(-newest)
    .reduce<Span>(([n, k, seen], [requests, bad, watched]) => [n + requests, k + bad, seen + watched], EMPTY);
}

/** The same by another count of the seconds, which is `by` ahead. */
export function movedBy({ begins, spans }: Spans, by: number): Spans {
  return { begins: begins + by, spans };
}
