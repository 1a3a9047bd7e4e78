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

export type SourceFrom = PrometheusFrom | HttpFrom | CommandFrom | LogFrom | RedisFrom | PostgresFrom;

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

/** Any address that answers with JSON. */
export interface HttpFrom {
  readonly kind: "http";
  readonly at: Endpoint;
  /** In JMESPath, which number of the answer it is. Absent: the answer is the number. */
  readonly select?: string;
}

/** What a program prints. */
export interface CommandFrom {
  readonly kind: "command";
  /** A line for the shell, or a program and its arguments. */
  readonly command: string | readonly string[];
  /** As of `http`. Absent: its last line is the number. */
  readonly select?: string;
}

/** Lines in the logs of a version's instances, by minute. */
export interface LogFrom {
  readonly kind: "log";
  /** A regular expression. */
  readonly pattern: string;
  /** Absent: all services. */
  readonly service?: string;
}

/** What Redis says of itself. */
export interface RedisFrom {
  readonly kind: "redis";
  /** `redis://`, `rediss://` or `unix://`. */
  readonly url: string;
  readonly ca?: string;
  readonly figure: RedisFigure;
}

export type RedisFigure =
  /** Of the look-ups since the last question, 0 … 1. */
  | "hit-rate"
  /** Of what it may use, or of the machine's memory, 0 … 1. */
  | "memory"
  | "clients"
  /** Keys a second that it threw away for want of memory. */
  | "evictions";

/** What PostgreSQL says of itself, or one number by a query. */
export interface PostgresFrom {
  readonly kind: "postgres";
  readonly url: string;
  readonly ca?: string;
  readonly figure: PostgresFigure | "query";
  /** Of `query`: SQL that gives one number. Run in a transaction that can only read. */
  readonly query?: string;
  /** Of sessions with this application_name alone. */
  readonly application?: string;
  /** Of `slow-queries`: running for longer than this. */
  readonly slowMs?: Duration;
}

export type PostgresFigure =
  /** Of those that it lets in, 0 … 1. */
  | "connections"
  /** How many have been running for longer than `slowMs`. */
  | "slow-queries"
  /** Seconds for which the oldest open one has been open. */
  | "longest-transaction"
  /** How many sessions wait for a lock that another one has. */
  | "blocked"
  /** Seconds by which the slowest replica is behind. */
  | "replication-lag";

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
