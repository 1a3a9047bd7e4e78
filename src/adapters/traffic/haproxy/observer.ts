import type { HaproxyPlan } from "../../../core/plan/traffic.ts";
import type { ObservationBatch } from "../../../core/observation.ts";
import type { RoutingTable } from "../../../core/traffic/routing.ts";
import type { Duration, Instant } from "../../../core/time/time.ts";
import type { BalancerSeen } from "./balancer.ts";
import { type EventStream, followRing } from "./event-stream.ts";
import { figuresOf } from "./figures.ts";
import { parseLogLine } from "./log-line.ts";
import { type LossCheck, lossCheck } from "./loss-check.ts";
import { haproxyNames } from "./names.ts";
import { nameOf } from "./runtime-socket.ts";

export interface ObserverSettings {
  readonly id: string;
  readonly haproxy: HaproxyPlan;
  readonly app: string;
  readonly environment: string;
  readonly now: () => Instant;
}

/** What all load balancers served, from their log rings, held against their own counts. */
export interface Observer {
  /** A look has found this process of a load balancer, and this table in force. */
  meet(name: string, pid: number, table: RoutingTable | null): void;
  /** `asked`: when they were, at the latest. */
  batch(since: number, seen: readonly BalancerSeen[], asked: Instant): ObservationBatch;
}

/** After a reload the process before still ends what it has; it must not be kept alive by who reads its log. */
const OLD_PROCESS_MS: Duration = 5_000;

/** HAProxy's clock stands still while it works on what has come at once. */
const CLOCK_MS: Duration = 20;

interface Followed {
  pid: number;
  /** By so much its clock is ahead of ours at the least: a line was read before it had ended. */
  aheadMs: Duration;
  stream: EventStream | null;
  readonly checks: Map<string, LossCheck>;
}

export function createObserver({ id, haproxy, app, environment, now }: ObserverSettings): Observer {
  const names = haproxyNames(app, environment);
  const figures = figuresOf(id, now);
  const followed = new Map<string, Followed>(
    haproxy.balancers.map((address) => [nameOf(address), { pid: 0, aheadMs: 0, stream: null, checks: new Map() }]),
  );
  let isReading = false;
  const troubles: string[] = [];

  const follow = (name: string): void => {
    const own = followed.get(name);
    const address = haproxy.balancers.find((each) => nameOf(each) === name);
    if (own === undefined || address === undefined) return;
    own.stream = followRing(address, names.ring, (line) => {
      const request = parseLogLine(line, names.logMark);
      if (request === null) return;
      own.aheadMs = Math.max(own.aheadMs, request.endedAt - now());
      own.checks.get(request.backend)?.read(request.endedAt);
      figures.take(request);
    });
  };

  return {
    meet(name, pid, table) {
      if (table !== null) figures.follow(table);
      const own = followed.get(name);
      if (own === undefined || !isReading) return;
      if (own.pid === pid && own.stream?.isOpen() === true) return;
      if (own.pid !== 0 && own.pid !== pid)
        troubles.push(`HAProxy at ${name} was started again; what its process before had not told yet is lost`);
      else if (own.stream !== null) troubles.push(`the log of HAProxy at ${name} was interrupted`);
      const before = own.stream;
      if (before !== null) setTimeout(() => before[Symbol.dispose](), OLD_PROCESS_MS).unref();
      own.pid = pid;
      own.checks.clear();
      follow(name);
    },
    batch(since, seen, asked) {
      if (!isReading) {
        isReading = true;
        for (const name of followed.keys()) follow(name);
      }
      const answered = now();
      for (const [index, { backends, pid }] of seen.entries()) {
        const name = nameOf(haproxy.balancers[index] as (typeof haproxy.balancers)[number]);
        const own = followed.get(name);
        if (own === undefined) continue;
        if (own.pid === 0) own.pid = pid;
        for (const { backend, ended } of backends) {
          const check = own.checks.get(backend) ?? lossCheck();
          own.checks.set(backend, check);
          const lost = check.look(ended, asked - CLOCK_MS, answered + own.aheadMs + CLOCK_MS);
          if (lost > 0) troubles.push(`of ${lost} requests HAProxy at ${name} counted, its log does not tell`);
        }
      }
      const trouble = troubles.splice(0).join("; ");
      const inFlight = inFlightOf(seen);
      return { ...figures.batch(since), inFlight, ...(trouble === "" ? {} : { trouble }) };
    },
  };
}

function inFlightOf(seen: readonly BalancerSeen[]): Readonly<Record<string, number>> {
  const open: Record<string, number> = {};
  for (const { table, servers } of seen)
    for (const side of [table?.stable, table?.candidate]) {
      if (side === null || side === undefined) continue;
      const mine = servers.filter(({ backend }) => backend.endsWith(`.${side.slot}`));
      open[side.version] = (open[side.version] ?? 0) + mine.reduce((sum, each) => sum + each.open, 0);
    }
  return open;
}
