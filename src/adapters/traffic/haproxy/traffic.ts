import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type Fault, FaultError, faultOf } from "../../../core/fault.ts";
import type { HaproxyPlan } from "../../../core/plan/traffic.ts";
import type { AwayBalancer, RoutingTable, TrafficState } from "../../../core/traffic/routing.ts";
import type { Duration, Instant } from "../../../core/time/time.ts";
import type { Traffic } from "../../../ports/traffic.ts";
import { readTableWrite } from "../../../proxy/check-table.ts";
import { type Balancer, type BalancerSeen, createBalancer, type BalancerSettings } from "./balancer.ts";
import { watchRestarts } from "./after-restart.ts";
import { merged } from "./merged.ts";
import { createObserver } from "./observer.ts";

export interface HaproxyTrafficOptions {
  readonly app: string;
  readonly environment: string;
  readonly haproxy: HaproxyPlan;
  readonly answerMs?: Duration;
  readonly now?: () => Instant;
  /** Of the fragment that the plan asks for. Absent: whichever is in force will do. */
  readonly digest?: string;
  /** All of them can be steered. */
  readonly onReady?: () => Promise<void>;
}

/** A load balancer that can't answer within this is as good as away. */
const ANSWER_MS = 2_000;
const DRAIN_LOOKS_EVERY_MS = 50;

/** What one of several answered. */
type Answer<T> = { readonly value: T } | { readonly fault: Fault; readonly isGone: boolean };

/**
 * One or several HAProxys that divide the same app's traffic. Each is asked for itself; what is answered is true of all:
 * they agree, or one that does not is what is told.
 */
export function createHaproxyTraffic(options: HaproxyTrafficOptions): Traffic {
  const { haproxy, now = Date.now, answerMs = ANSWER_MS } = options;
  const balancers = haproxy.balancers.map((address) => {
    const settings: BalancerSettings = { ...options, address, files: haproxy.files, answerMs, now };
    return createBalancer(settings);
  });
  const id = `haproxy-${randomUUID()}`;
  const since = now();
  const observer = createObserver({ id, haproxy, app: options.app, environment: options.environment, now });

  const restarts = watchRestarts();

  const ofAll = async <T>(ask: (balancer: Balancer) => Promise<T>): Promise<ReadonlyMap<Balancer, Answer<T>>> => {
    const answers = await Promise.all(balancers.map((balancer) => answered(async () => await ask(balancer))));
    return new Map(balancers.map((balancer, index) => [balancer, answers[index] as Answer<T>]));
  };

  /** Of all of them, or what those say that have something to say. */
  const mustAll = async <T>(ask: (balancer: Balancer) => Promise<T>): Promise<readonly T[]> => {
    const answers = [...(await ofAll(ask)).values()];
    const faults = answers.flatMap((answer) => ("fault" in answer ? [answer.fault] : []));
    const worst = faults.find(({ code }) => code !== "traffic-unreachable") ?? faults[0];
    if (worst !== undefined) throw new FaultError(worst);
    return answers.flatMap((answer) => ("value" in answer ? [answer.value] : []));
  };

  const told = async (answers: ReadonlyMap<Balancer, Answer<BalancerSeen>>): Promise<TrafficState | null> => {
    const seen = new Map<string, BalancerSeen>();
    const away: AwayBalancer[] = [];
    for (const [{ name }, answer] of answers) {
      if ("value" in answer) {
        seen.set(name, answer.value);
        observer.meet(name, answer.value.pid, answer.value.table);
      } else away.push({ what: answer.fault.what, isGone: answer.isGone });
    }
    if (seen.size > 0) {
      const { app, environment } = options;
      return await merged({ seen, away, id, since, now: now(), app, environment });
    }
    // One that is there and does not answer has shares in force, unlike one that is not.
    for (const answer of answers.values()) if ("fault" in answer && !answer.isGone) throw new FaultError(answer.fault);
    return null;
  };

  return {
    async ensure() {
      await mustAll((balancer) => balancer.check(options.digest));
      await options.onReady?.();
    },
    async claim(epoch) {
      await mustAll((balancer) => balancer.claim(epoch));
      restarts.act(epoch);
    },
    read: async () => await told(await ofAll((balancer) => restarts.look(balancer))),
    async write(table: RoutingTable, ifRevision) {
      const found = await ofAll((balancer) => restarts.look(balancer));
      const before = await told(found);
      if (before === null) throw allAway(balancers);
      mustBeNewer(table, before, ifRevision);
      readTableWrite({ table, ifRevision });
      if (table.twin !== undefined) throw noTwin();
      // More for the candidate only where all give it; less wherever it can be had.
      if (before.away !== undefined && table.share > (before.table?.share ?? 0)) throw isAway(before.away);
      const answers = await ofAll(async (balancer) => {
        const seen = found.get(balancer);
        if (seen === undefined || "fault" in seen) throw new FaultError(seen?.fault ?? allAway([balancer]).fault);
        const written = await balancer.write(table, seen.value);
        restarts.wrote(balancer, written);
        return written;
      });
      throwWorst(answers);
      // Whoever is away is told in the answer; those who are there do not wait for it.
      return (await told(answers)) ?? before;
    },
    async renew(epoch) {
      throwWorst(await ofAll((balancer) => balancer.renew(epoch)));
    },
    async drain(endpoint, deadlineMs) {
      const deadline = performance.now() + deadlineMs;
      for (;;) {
        const open = await mustAll((balancer) => balancer.openOn(endpoint));
        const left = open.reduce<number>((sum, each) => sum + (each ?? 0), 0);
        if (left === 0) return { left };
        if (performance.now() >= deadline) {
          await mustAll((balancer) => balancer.cut(endpoint));
          return { left };
        }
        await delay(Math.min(DRAIN_LOOKS_EVERY_MS, Math.max(1, deadline - performance.now())));
      }
    },
    async observations(cursor) {
      const asked = now();
      return observer.batch(cursor, await mustAll((balancer) => balancer.look()), asked);
    },
  };
}

/** Taken and then not given its part, it would be one that nobody ever came to. */
function noTwin(): FaultError {
  return new FaultError({
    code: "traffic-table-refused",
    what: "HAProxy can't give a twin of stable a part of the traffic yet.",
    fix: "take `twin` out of the plan file",
  });
}

/** A refusal by any of them; that one is away only where all are. */
function throwWorst(answers: ReadonlyMap<Balancer, Answer<unknown>>): void {
  const faults = [...answers.values()].flatMap((answer) => ("fault" in answer ? [answer.fault] : []));
  const worst = faults.find(({ code }) => code !== "traffic-unreachable");
  if (worst !== undefined) throw new FaultError(worst);
  if (faults[0] !== undefined && faults.length === answers.size) throw new FaultError(faults[0]);
}

async function answered<T>(ask: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await ask() };
  } catch (error) {
    return {
      fault: faultOf(error, "traffic-unreachable", "HAProxy can't be asked."),
      isGone: isNobodyThere(error),
    };
  }
}

/** Nothing accepts on the socket: no process has it open. */
function isNobodyThere(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause)
    if ("code" in each && (each.code === "ENOENT" || each.code === "ECONNREFUSED")) return true;
  return false;
}

function mustBeNewer({ epoch }: RoutingTable, before: TrafficState, ifRevision: number): void {
  if (epoch < before.epoch)
    throw new FaultError({ code: "stale-epoch", what: `Epoch ${before.epoch} has taken over from ${epoch}.` });
  const revision = before.table?.revision ?? 0;
  if (revision !== ifRevision)
    throw new FaultError({
      code: "revision-conflict",
      what: `Revision ${revision} is in force, not ${ifRevision}.`,
    });
}

function isAway(away: readonly AwayBalancer[]): FaultError {
  return new FaultError({
    code: "traffic-unreachable",
    what: `${away.map(({ what }) => what).join(" ")} Nothing more is given to the candidate until all load balancers answer.`,
    fix: "start it, or take it out of traffic.haproxy; then: tidegate retry",
  });
}

function allAway(balancers: readonly Balancer[]): FaultError {
  return new FaultError({
    code: "traffic-unreachable",
    what: `HAProxy does not answer at ${balancers.map(({ name }) => name).join(" nor at ")}.`,
    fix: "start it; then: tidegate doctor",
  });
}
