import { openLoop } from "./customers/arrivals.ts";
import { Customers } from "./customers/customers.ts";
import { type HeldOpen, holdEventStream, holdWebSocket } from "./customers/held-open.ts";
import type { LoadReport, LoadSecond } from "./load-report.ts";
import { seededRandom, type Random } from "./customers/random.ts";
import { Tally } from "./customers/tally.ts";
import { verifyOrders } from "./verify-orders.ts";
import { type Crowd, gatherCrowd } from "./customers/visitors.ts";

export interface LoadOptions {
  /** `http://host:port`. */
  readonly url: string;
  readonly requestsPerSecond: number;
  /** Connections that are kept alive between requests, at most. */
  readonly connections: number;
  readonly webSockets: number;
  readonly eventStreams: number;
  readonly visitors: number;
  /** The same seed is the same crowd doing the same things, as far as the answers are the same. */
  readonly seed: number;
  /** The shop's database file, to look up every accepted order at the end. */
  readonly store?: string;
}

export const USUAL_LOAD: Omit<LoadOptions, "url"> = {
  requestsPerSecond: 300,
  connections: 48,
  webSockets: 20,
  eventStreams: 4,
  visitors: 4_000,
  seed: 1,
};

export interface LoadResult {
  readonly report: LoadReport;
  /** Every accepted order: its id → its total in cents, as the customer was told. */
  readonly accepted: ReadonlyMap<string, number>;
}

/** Plays a crowd of customers until the signal, then waits for what is under way. Counts; judges nothing. */
export async function runLoad(
  options: LoadOptions,
  signal: AbortSignal,
  onSecond: (second: LoadSecond) => void = () => undefined,
): Promise<LoadResult> {
  const startedAt = Date.now();
  const began = performance.now();
  const cpuBefore = process.cpuUsage();
  const random = seededRandom(options.seed);
  const crowd = gatherCrowd(options.visitors, random);
  const tally = new Tally();
  const customers = new Customers(options, tally, random);
  const held = holdOpen(options, crowd, tally, random, signal);

  let seconds = 0;
  const ticker = setInterval(() => {
    seconds += 1;
    const webSockets = held.webSockets.open;
    onSecond({ type: "load-second", at: Date.now(), second: seconds, webSockets, ...tally.takeSecond() });
  }, 1_000);

  const { latestMs } = await openLoop(options.requestsPerSecond, random, () => customers.act(crowd.next()), signal);
  const stoppedAfterMs = performance.now() - began;
  const sent = customers.sent;
  await Promise.all([customers.leave(), held.ended]);
  clearInterval(ticker);

  const cpu = process.cpuUsage(cpuBefore);
  const report: LoadReport = {
    type: "load-finished",
    startedAt,
    endedAt: Date.now(),
    ...tally.result(),
    orders: checkOrders(options.store, customers.accepted),
    webSockets: held.webSockets,
    eventStreams: held.eventStreams,
    load: {
      wantedPerSecond: options.requestsPerSecond,
      sentPerSecond: Math.round((sent / stoppedAfterMs) * 10_000) / 10,
      latestMs,
      cpu: Math.round((cpu.user + cpu.system) / (performance.now() - began)) / 1_000,
    },
  };
  return { report, accepted: customers.accepted };
}

function checkOrders(store: string | undefined, accepted: ReadonlyMap<string, number>): LoadReport["orders"] {
  const unknown = { accepted: accepted.size, lost: null, lostIds: [] };
  if (store === undefined) return { ...unknown, notChecked: "No store was named." };
  try {
    const { lost, doubled, different } = verifyOrders(store, accepted);
    const wrong = [...lost, ...doubled, ...different];
    return { accepted: accepted.size, lost: wrong.length, lostIds: wrong.slice(0, 20) };
  } catch (error) {
    // The other figures must not be lost for it.
    return { ...unknown, notChecked: error instanceof Error ? error.message : String(error) };
  }
}

function holdOpen(options: LoadOptions, crowd: Crowd, tally: Tally, random: Random, signal: AbortSignal) {
  const newCounts = (): HeldOpen["counts"] => ({ open: 0, opened: 0, movedOn: 0, dropped: 0 });
  const context = (counts: HeldOpen["counts"]): HeldOpen => ({ url: new URL(options.url), tally, random, counts });
  const webSockets = newCounts();
  const eventStreams = newCounts();
  const ended = Promise.all([
    ...Array.from({ length: options.webSockets }, () => holdWebSocket(context(webSockets), crowd.next(), signal)),
    ...Array.from({ length: options.eventStreams }, () => holdEventStream(context(eventStreams), crowd.next(), signal)),
  ]);
  return { webSockets, eventStreams, ended };
}
