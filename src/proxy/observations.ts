import { BUCKET_COUNT, bucketOf, upperEdge } from "../core/analysis/histogram.ts";
import type { ObservationBatch, SecondRow } from "../core/observation.ts";
import type { Instant } from "../core/time/time.ts";
import { comparedWith, type RoutingTable } from "../core/traffic/routing.ts";
import { FAILED, isBad, type Outcome, PASSED_ON } from "./outcome.ts";
import { rememberedRouteKey } from "./route-key.ts";
import type { Countable, Side } from "./visitor-counts.ts";
import { Visitors } from "./visitors.ts";

/** Ten minutes of seconds of up to four versions, a twin among them. */
const MAX_ROWS = 2_400;
const MAX_AGE_SECONDS = 600;
/** Rows of one answer; the reader asks again for the rest. */
const MAX_ROWS_AN_ANSWER = 600;
const MAX_ROUTES_A_SECOND = 500;
const WORST_ROUTES = 5;
/** Versions whose totals are kept for /metrics. */
const MAX_VERSIONS = 16;

/** What has been counted of one version: in the second that is open, and altogether. */
export class Tally {
  readonly version: string;
  /** Its part in the table in force; null: it has none, or it is stable's twin. */
  role: Side | null = null;
  /** Its part in the comparison, where a twin takes stable's place; null: it has none. */
  side: Side | null = null;
  /** Requests in flight now. */
  inFlight = 0;
  /** WebSockets and other tunnels that are open now. */
  openTunnels = 0;
  /** Of a monotonic clock; null: none yet. */
  lastRequestAt: number | null = null;

  readonly open = new OpenSecond();
  readonly totals = {
    status: { ok: 0, redirect: 0, client: 0, server: 0, failed: 0 },
    latency: new Float64Array(BUCKET_COUNT),
    latencySumMs: 0,
    webSockets: { opened: 0, failed: 0 },
  };

  readonly #onFlight: () => void;

  constructor(version: string, onFlight: () => void) {
    this.version = version;
    this.#onFlight = onFlight;
  }

  begin(): void {
    this.inFlight += 1;
    this.lastRequestAt = performance.now();
    this.#onFlight();
  }

  end(): void {
    this.inFlight -= 1;
    this.#onFlight();
  }

  beginTunnel(): void {
    this.openTunnels += 1;
    this.#onFlight();
  }

  endTunnel(): void {
    this.openTunnels -= 1;
    this.#onFlight();
  }
}

class OpenSecond {
  requests = 0;
  ok = 0;
  redirect = 0;
  client = 0;
  server = 0;
  failed = 0;
  passedOn = 0;
  webSocketsOpened = 0;
  webSocketsFailed = 0;
  latencySumMs = 0;
  readonly latency = new Uint32Array(BUCKET_COUNT);
  readonly touched: number[] = [];
  readonly routes = new Map<string, Route>();
}

interface Route {
  requests: number;
  bad: number;
  /** How often each bad status came; null while none did. */
  statuses: Map<number, number> | null;
}

/**
 * Counts by version and second. A request belongs to the second in which it ended or passed its limit; nothing is ever
 * counted into an earlier one, so a second is final, and can be read, as soon as the next has begun.
 */
export class Observations {
  /** Called whenever more or less is in flight. */
  onFlight: () => void = () => undefined;
  /** Called with each row when its second is over. */
  onRow: (row: SecondRow, side: Side | null) => void = () => undefined;
  readonly visitors = new Visitors();

  readonly #proxy: string;
  readonly #wall: () => Instant;
  readonly #tallies = new Map<string, Tally>();
  readonly #routeKey = rememberedRouteKey();
  readonly #rows: SecondRow[] = [];
  /** Sequence of `#rows[0]`. The first row ever is 1, so that 0 says "nothing read yet". */
  #first = 1;
  #second: number;
  #isMixed = false;

  constructor(proxy: string, wall: () => Instant) {
    this.#proxy = proxy;
    this.#wall = wall;
    this.#second = Math.floor(wall() / 1_000);
  }

  /** The counts of a version; the same object for the same version. */
  tally(version: string): Tally {
    let tally = this.#tallies.get(version);
    if (tally === undefined) {
      tally = new Tally(version, () => this.onFlight());
      this.#tallies.set(version, tally);
      this.#forgetOldVersions();
    }
    return tally;
  }

  tallies(): Iterable<Tally> {
    return this.#tallies.values();
  }

  /** Counts one request; by its visitor too, when it is given as `countable`. */
  count(
    tally: Tally,
    status: Outcome,
    latencyMs: number,
    method: string,
    target: string,
    countable: Countable | null = null,
  ): void {
    this.roll();
    const { open } = tally;
    open.requests += 1;
    if (status < 100) open.failed += 1;
    else if (status < 300) open.ok += 1;
    else if (status < 400) open.redirect += 1;
    else if (status < 500) open.client += 1;
    else open.server += 1;
    if (status === PASSED_ON) {
      // It was not answered here: it has no latency, and says nothing of the route, only of the instance.
      open.passedOn += 1;
      if (countable !== null) this.visitors.count(tally.side, status, latencyMs, -1, countable, this.#second);
      return;
    }

    const bucket = bucketOf(latencyMs);
    if (open.latency[bucket] === 0) open.touched.push(bucket);
    (open.latency[bucket] as number) += 1;
    open.latencySumMs += latencyMs;

    const key = this.#routeKey(method, target);
    if (countable !== null) {
      this.visitors.count(tally.side, status, latencyMs, bucket, countable, this.#second);
      this.visitors.time(tally.side, status, latencyMs, key, countable, this.#second);
    }
    let route = open.routes.get(key);
    if (route === undefined) {
      if (open.routes.size >= MAX_ROUTES_A_SECOND) return;
      open.routes.set(key, (route = { requests: 0, bad: 0, statuses: null }));
    }
    route.requests += 1;
    if (isBad(status)) {
      route.bad += 1;
      route.statuses ??= new Map();
      route.statuses.set(status, (route.statuses.get(status) ?? 0) + 1);
    }
  }

  countWebSocket(tally: Tally, outcome: "opened" | "failed"): void {
    this.roll();
    if (outcome === "opened") tally.open.webSocketsOpened += 1;
    else tally.open.webSocketsFailed += 1;
  }

  /** Another table is in force now. */
  follow(table: RoutingTable): void {
    this.markMixed();
    const compared = comparedWith(table);
    for (const tally of this.#tallies.values()) {
      const { version } = tally;
      const isCandidate = version === table.candidate?.version;
      tally.role = version === table.stable?.version ? "stable" : isCandidate ? "candidate" : null;
      tally.side = version === compared ? "stable" : isCandidate ? "candidate" : null;
    }
    this.visitors.follow(table, this.#second);
  }

  /** The table changes now: this second is no evidence for either side. */
  markMixed(): void {
    this.roll();
    this.#isMixed = true;
  }

  /** Closes the open second when the wall clock has left it. */
  roll(): void {
    const now = Math.floor(this.#wall() / 1_000);
    // A clock that was put back must not count into seconds that have been read.
    if (now > this.#second) this.#close(now);
  }

  #close(now: number): void {
    for (const tally of this.#tallies.values()) {
      const row = closed(tally, this.#second, this.#isMixed);
      if (row === null) continue;
      const whole = tally.side === null ? row : { ...row, ...this.visitors.fieldsOf(tally.side, this.#second) };
      this.#rows.push(whole);
      this.onRow(whole, tally.role);
    }
    this.#second = now;
    this.visitors.begin(now);
    this.#isMixed = false;
    this.#dropOld();
  }

  /** Rows from sequence `since` on; 0 for whoever has read nothing yet. */
  batch(since: number): ObservationBatch {
    this.roll();
    const end = this.#first + this.#rows.length;
    // A cursor from beyond the end belongs to an earlier proxy: start anew, the reader sees that it is another.
    const isNewReader = since <= 0 || since > end;
    const from = isNewReader ? this.#first : Math.max(since, this.#first);
    const rows = this.#rows.slice(from - this.#first, from - this.#first + MAX_ROWS_AN_ANSWER);
    return {
      proxy: this.#proxy,
      next: from + rows.length,
      rows,
      lost: isNewReader ? 0 : from - since,
      inFlight: this.inFlight(),
      at: this.#wall(),
    };
  }

  /** Closes the open second before it is over, for a process that counts nothing more. Answers the end of its sequence. */
  finish(): number {
    this.#close(this.#second + 1);
    return this.#first + this.#rows.length;
  }

  /** Adds to the totals what another process has counted. */
  addToTotals(row: SecondRow): void {
    const { totals } = this.tally(row.version);
    addCounts(totals, row);
    for (const [bucket, count] of Object.entries(row.latency)) {
      (totals.latency[Number(bucket)] as number) += count;
      totals.latencySumMs += count * upperEdge(Number(bucket));
    }
  }

  inFlight(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#tallies.values()].map((tally) => [tally.version, tally.inFlight]));
  }

  #dropOld(): void {
    let drop = Math.max(0, this.#rows.length - MAX_ROWS);
    while ((this.#rows[drop]?.second ?? Number.POSITIVE_INFINITY) < this.#second - MAX_AGE_SECONDS) drop += 1;
    if (drop === 0) return;
    this.#rows.splice(0, drop);
    this.#first += drop;
  }

  #forgetOldVersions(): void {
    for (const [version, tally] of this.#tallies) {
      if (this.#tallies.size <= MAX_VERSIONS) return;
      if (tally.inFlight + tally.openTunnels + tally.open.requests === 0) this.#tallies.delete(version);
    }
  }
}

/** The row of a second that is over, and its counts set back to none. null: nothing happened in it. */
function closed({ version, open, totals }: Tally, second: number, mixed: boolean): SecondRow | null {
  if (open.requests === 0 && open.webSocketsOpened === 0 && open.webSocketsFailed === 0) return null;
  const latency: Record<number, number> = {};
  for (const bucket of open.touched) {
    const count = open.latency[bucket] as number;
    latency[bucket] = count;
    (totals.latency[bucket] as number) += count;
    open.latency[bucket] = 0;
  }
  totals.latencySumMs += open.latencySumMs;
  const { ok, redirect, client, server, failed } = open;
  const row: SecondRow = {
    second,
    version,
    requests: open.requests,
    status: { ok, redirect, client, server, failed },
    ...(open.passedOn === 0 ? {} : { passedOn: open.passedOn }),
    latency,
    webSockets: { opened: open.webSocketsOpened, failed: open.webSocketsFailed },
    worst: worstOf(open),
    mixed,
  };
  addCounts(totals, row);
  open.requests = open.ok = open.redirect = open.client = open.server = open.failed = open.passedOn = 0;
  open.webSocketsOpened = open.webSocketsFailed = open.latencySumMs = 0;
  open.touched.length = 0;
  open.routes.clear();
  return row;
}

function addCounts(totals: Tally["totals"], { status, webSockets }: SecondRow): void {
  totals.status.ok += status.ok;
  totals.status.redirect += status.redirect;
  totals.status.client += status.client;
  totals.status.server += status.server;
  totals.status.failed += status.failed;
  totals.webSockets.opened += webSockets.opened;
  totals.webSockets.failed += webSockets.failed;
}

function worstOf({ routes }: OpenSecond): SecondRow["worst"] {
  return [...routes]
    .filter(([, { bad }]) => bad > 0)
    .sort(([, a], [, b]) => b.bad - a.bad)
    .slice(0, WORST_ROUTES)
    .map(([route, { requests, bad, statuses }]) => ({ route, requests, bad, status: mostFrequent(statuses) }));
}

function mostFrequent(statuses: ReadonlyMap<number, number> | null): number {
  return [...(statuses ?? [])].sort((a, b) => b[1] - a[1])[0]?.[0] ?? FAILED;
}
