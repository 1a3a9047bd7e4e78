import type { Duration } from "../time/time.ts";

/**
 * Where the figure of a guard comes from that Tidegate does not measure itself, and what is to be known of it. Plain JSON: it travels in
 * the plan, so `${UPPER}` stays a reference in it, and `${version}` is filled in for each version that is asked about.
 */
export interface Source {
  readonly from: SourceFrom;
  /** A look is one of these: the guard says nothing new between two of them. */
  readonly everyMs: Duration;
  /** What one answer may take. */
  readonly timeoutMs: Duration;
  /** How far back one figure reaches: of `rate(x[5m])` five minutes. 0: it is of the moment. */
  readonly reachMs: Duration;
  /** How figures and limits are told: `share` (0 … 1, as percent), `percent`, `ms`, `s`, `bytes`, or a text that follows the number. */
  readonly unit: string;
  readonly worse: "higher" | "lower";
  /** Each version has a figure of its own. Else there is one, which is compared with nobody's. */
  readonly isByVersion: boolean;
  /** What `${service}` stands for, and whose logs are read. */
  readonly service: string;
}

export type SourceFrom = PrometheusFrom;

/** A web server and how it lets us in. Values of headers and passwords are references, or no secrets. */
export interface Endpoint {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bearer?: string;
  readonly basic?: { readonly user: string; readonly password: string };
  /** A file of certificates (PEM) to trust instead of the machine's own. An absolute path. */
  readonly ca?: string;
}

export interface PrometheusFrom {
  readonly kind: "prometheus";
  readonly at: Endpoint;
  readonly query: string;
  /** Asked over a span, of which one figure is made. Absent: for the moment. */
  readonly over?: { readonly ms: Duration; readonly stepMs: Duration; readonly take: Take };
}

/** What is made of the values of a span. */
export type Take = "last" | "mean" | "max" | "min";

/** What `${...}` in a source stands for, when it is asked about a version. */
export interface Subject {
  readonly version: string;
  readonly slot: string;
  readonly service: string;
  readonly app: string;
  readonly environment: string;
}

/** What a source said of one version. */
export type Reading =
  | { readonly kind: "value"; readonly value: number }
  /** It was asked, and has no figure: never a verdict. */
  | { readonly kind: "no-data"; readonly why: string }
  /** It can't be asked, or what it says can't be made a figure of. `why`: a sentence without its full stop; `fix` mends it. */
  | { readonly kind: "down"; readonly why: string; readonly fix?: string };

/** What a source said of both versions at one time. */
export interface SourceReading {
  /** The second in which it was asked, as in a look. */
  readonly second: number;
  readonly candidate: Reading;
  /** null: it was not asked about stable. */
  readonly stable: Reading | null;
}

/** From then on a reading says nothing of now any more. */
export function staleAfterMs({ everyMs, timeoutMs }: Pick<Source, "everyMs" | "timeoutMs">): Duration {
  return 2 * everyMs + timeoutMs;
}
