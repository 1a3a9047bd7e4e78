import { decide } from "../../src/core/decide/decide.ts";
import type { Effect, Observed } from "../../src/core/release/effect.ts";
import type { EventOf, Happened, Placed, ReleaseEvent } from "../../src/core/release/event.ts";
import type { Fault } from "../../src/core/fault.ts";
import type { Verdict } from "../../src/core/plan/guard.ts";
import type { InstanceSeen } from "../../src/core/observation.ts";
import type { Plan } from "../../src/core/plan/plan.ts";
import { evolve, replay } from "../../src/core/release/evolve.ts";
import { currentStep, type Release } from "../../src/core/release/release.ts";
import { NOTHING_SEEN, type Seen } from "../../src/core/decide/seen.ts";
import type { Share } from "../../src/core/traffic/share.ts";
import { type Command, command } from "../../src/core/command/command.ts";
import type { CommandAnswer } from "../../src/core/command/command-answer.ts";

const STABLE: Placed = { version: "v1", label: "v1", slot: "blue" };
const CANDIDATE: Placed = { version: "v2", label: "v2", slot: "green" };

/** How the pretended outside answers an effect. */
export type Outcome = ({ readonly observed: Observed } | { readonly fault: Fault } | { readonly hangs: true }) & {
  /** The file of the contract step that got its locks before. */
  readonly contractStarted?: string;
};

/**
 * The core alone against a world of plain variables: effects happen at once when `perform` says so, time moves by hand.
 * Checks I1 and I2 at every change of share.
 */
export class PureWorld {
  readonly history: Happened[] = [];
  readonly done: Effect[] = [];
  release: Release;
  wall = 1_000_000;
  watched = 0;
  share: Share = 0;
  candidateInTable = false;
  running = new Map<string, InstanceSeen>();
  isReady: (instance: InstanceSeen) => boolean = () => true;
  verdicts: readonly Verdict[] | ((release: Release) => readonly Verdict[]) = [];
  stableVerdicts: readonly Verdict[] = [];
  otherRuns: number | null = null;
  trafficAnswers = true;
  away: readonly string[] = [];
  returnedByItself = false;
  outcome: (effect: Effect) => Outcome | null = () => ({ observed: {} });

  constructor(plan: Plan, stable: Placed | null = STABLE, by = "ann") {
    if (stable !== null) this.#run(plan, stable);
    this.#append([
      {
        type: "planned",
        release: 1,
        app: plan.app,
        environment: plan.environment,
        stable,
        candidate: CANDIDATE,
        offset: 0,
        plan,
        planHash: "hash",
        by,
      },
    ]);
    const release = replay(this.history);
    if (release === null) throw new Error("A planned release replays.");
    this.release = release;
  }

  seen(): Seen {
    return {
      ...NOTHING_SEEN,
      verdicts: typeof this.verdicts === "function" ? this.verdicts(this.release) : this.verdicts,
      stableVerdicts: this.stableVerdicts,
      otherRuns: this.otherRuns,
      instances: [...this.running.values()],
      health: Object.fromEntries(
        [...this.running.values()].map((each) => [
          each.id,
          { instance: each.id, ready: this.isReady(each), down: !this.isReady(each), live: true, readyAt: this.wall },
        ]),
      ),
      traffic: this.trafficAnswers
        ? {
            stable: "v1",
            candidate: this.candidateInTable ? "v2" : null,
            share: this.share,
            returnedByItself: this.returnedByItself,
            ejected: [],
          }
        : null,
      away: this.away,
    };
  }

  /** Lets everything happen that can happen without more time. */
  settle(): this {
    for (let rounds = 0; ; rounds += 1) {
      if (rounds > 1_000) throw new Error("It never comes to rest.");
      const events = decide(this.release, this.seen(), this.#now());
      if (events.length === 0) return this;
      this.#append(events);
      for (const event of events) if (event.type === "effect-requested") this.#perform(event);
    }
  }

  /** Moves both clocks in steps, settling after each. */
  pass(ms: number, stepMs = 1_000): this {
    for (let left = ms; left > 0; left -= stepMs) {
      this.wall += Math.min(stepMs, left);
      this.watched += Math.min(stepMs, left);
      this.settle();
    }
    return this;
  }

  ask(asked: Command, by = "bob", reason?: string): CommandAnswer {
    const answer = command(this.release, asked, { name: by }, reason, this.wall);
    if (answer.kind === "accepted") this.#append(answer.events);
    this.settle();
    return answer;
  }

  /** Something that people or the outside did. */
  happens(event: ReleaseEvent): this {
    this.#append([event]);
    return this.settle();
  }

  /** The engine dies and another one takes over. */
  takeOver(awayMs = 0): this {
    this.wall += awayMs;
    this.#append([{ type: "engine-took-over", epoch: this.release.epoch + 1, awayMs }]);
    return this.settle();
  }

  eventsOf<T extends ReleaseEvent["type"]>(type: T): readonly EventOf<T>[] {
    return this.history.map(({ event }) => event).filter((event): event is EventOf<T> => event.type === type);
  }

  #now(): { readonly wall: number; readonly watched: number } {
    return { wall: this.wall, watched: this.watched };
  }

  #append(events: readonly ReleaseEvent[]): void {
    for (const event of events) {
      const happened = { event, at: this.#now() };
      this.history.push(happened);
      if (event.type !== "planned") this.release = evolve(this.release, happened);
    }
  }

  #perform({ key, effect }: EventOf<"effect-requested">): void {
    const outcome = this.outcome(effect);
    if (outcome === null) return;
    const { contractStarted: file } = outcome;
    const step = currentStep(this.release)?.step.id;
    if (file !== undefined && step !== undefined) this.#append([{ type: "contract-started", step, file }]);
    if ("hangs" in outcome) return;
    if ("fault" in outcome) return this.#append([{ type: "effect-failed", key, fault: outcome.fault, tookMs: 1 }]);
    this.done.push(effect);
    this.#change(effect);
    this.#append([{ type: "effect-confirmed", key, observed: outcome.observed, tookMs: 1 }]);
  }

  #change(effect: Effect): void {
    switch (effect.kind) {
      case "start":
        this.#run(this.release.plan, effect.version === "v1" ? STABLE : CANDIDATE, effect.services);
        this.candidateInTable ||= effect.version === "v2";
        return;
      case "stop":
        for (const [id, each] of this.running)
          if (each.version === effect.version && effect.services.includes(each.service)) this.running.delete(id);
        return;
      case "share":
        if (effect.share > 0) {
          const unready = [...this.running.values()].filter((each) => each.version === "v2" && !this.isReady(each));
          if (unready.length > 0 || ![...this.running.values()].some(({ version }) => version === "v2"))
            throw new Error("I1: weight on an instance that was not seen ready.");
        }
        this.share = effect.share;
        this.candidateInTable ||= effect.share > 0;
        return;
      case "settle":
        this.share = 0;
        this.candidateInTable = false;
        return;
      case "prepare":
      case "smoke":
      case "warm":
      case "machine-check":
      case "command":
      case "backup":
      case "migrate":
      case "migrate-back":
      case "notify":
      case "gather-evidence":
      case "prune-versions":
        return;
    }
  }

  #run(
    plan: Plan,
    { version, slot }: Placed,
    services: readonly string[] = plan.services.map(({ name }) => name),
  ): void {
    for (const service of plan.services) {
      if (!services.includes(service.name)) continue;
      for (let index = 0; index < service.replicas; index += 1) {
        const id = `${service.name}-${slot}-${index}`;
        this.running.set(id, {
          id,
          service: service.name,
          slot,
          version,
          state: "running",
          restarts: 0,
          adopted: false,
          ...(service.routes.length > 0 ? { address: `127.0.0.1:${9000 + index}` } : {}),
        });
      }
    }
  }
}

/** A verdict of the errors guard. */
export function errorsVerdict(verdict: Verdict["verdict"], level?: Verdict["level"]): Verdict {
  return {
    metric: "errors",
    verdict,
    ...(level === undefined ? {} : { level }),
    sentence: "errors 5.9% (4/68) against 0.08% (1/1 302), limit 1%",
    figures: {
      candidate: 0.059,
      stable: 0.0008,
      limit: 0.01,
      n: 68,
      nStable: 1302,
      k: 4,
      kStable: 1,
      windowMs: 60_000,
    },
  };
}
