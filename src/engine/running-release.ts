import { type Command, command } from "../core/command/command.ts";
import type { CommandAnswer } from "../core/command/command-answer.ts";
import { decide } from "../core/decide/decide.ts";
import { type Fault, FaultError, faultOf } from "../core/fault.ts";
import { decideMessages } from "../core/decide/messages.ts";
import { currentStep, isEnded, type Release } from "../core/release/release.ts";
import { isSettled } from "../core/release/settled.ts";
import { WHOLE } from "../core/traffic/share.ts";
import { statusOf, type Status } from "../core/status/status.ts";
import { HOUR, MINUTE, SECOND } from "../core/time/time.ts";
import { createAlertKeeping } from "./alert-keeping.ts";
import type { EngineOptions, Ports } from "./api.ts";
import { goAhead } from "./go-ahead.ts";
import { notReadyYet } from "./not-ready-yet.ts";
import type { Stage } from "./perform.ts";
import { createProbes } from "./probes.ts";
import { createSources } from "./sources.ts";
import { createUnderWay, type Outcome } from "./under-way.ts";
import { createWatch } from "./watch.ts";
import { worthKeeping } from "./kept-evidence.ts";
import { watchedTime } from "./watched-time.ts";
import type { World } from "./world.ts";
import { written } from "./written.ts";

const RENEW_EVERY_MS = 1.5 * SECOND;
/** What may go before the journal is not given up half-way. */
const NEVER = new AbortController().signal;

/** One release in the hands of the engine: the loop of deciding, appending, performing. */
export interface RunningRelease {
  state(): Release;
  /** Of its newest event. */
  seq(): number;
  status(): Status;
  /** One look: asks `decide` until it has nothing more to say. */
  tick(): Promise<void>;
  command(asked: Command, by: string, reason: string | undefined): Promise<CommandAnswer>;
  /** Nothing is left to do now, and nothing is under way. */
  isSettled(): boolean;
  /** Stops performing; what was under way is left as it is. */
  abandon(): Promise<void>;
}

export interface RunningReleaseInput {
  readonly ports: Ports;
  readonly options: EngineOptions;
  readonly world: World;
  readonly epoch: number;
  readonly release: Release;
  /** Of its newest event. */
  readonly seq: number;
  /** Another release that runs; null: none does. */
  readonly otherRuns: () => number | null;
  readonly changed: () => void;
  /** Data plane or runtime refused: somebody with a higher epoch acts. */
  readonly refused: (fault: Fault) => void;
}

export function runRelease(input: RunningReleaseInput): RunningRelease {
  const { ports, options, world, epoch, otherRuns, changed, refused } = input;
  const { clock, journal, traffic } = ports;
  const { lastAt, plan } = input.release;
  const time = watchedTime(clock, lastAt.watched, options.pace?.idleMs ?? 0, plan.unwatched.afterMs);
  const probes = createProbes(ports, world);
  const sources = createSources(ports, world);
  const watch = createWatch(world, probes, sources, otherRuns);
  let renewedAt = Number.NEGATIVE_INFINITY;
  let queue: Promise<unknown> = Promise.resolve();

  /** One thing at a time: the journal's order is the order in which things are decided. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = queue.then(work, work);
    queue = mine.catch(() => undefined);
    return mine;
  };

  /** What the effect that is under way says of itself. */
  let said: string | null = null;
  const tell = (sentence: string | null): void => {
    if (sentence === said) return;
    said = sentence;
    changed();
  };
  const stage = (signal: AbortSignal): Stage => ({
    ports,
    options,
    world,
    epoch,
    release: book.release(),
    signal,
    tell,
    note: (event) =>
      inTurn(async () => {
        const { undo } = book.state();
        if (undo !== null || underWay.isAbandoned())
          throw new FaultError({ code: "called-off", what: "It was called off before anything was taken away." });
        await book.append([event]);
      }),
  });

  const book = written({
    journal,
    epoch,
    release: input.release,
    seq: input.seq,
    now: () => time.now(),
    took: async (events) => {
      for (const event of events) {
        if (event.type === "rollback-decided") underWay.abortSteps();
        if (event.type === "effect-requested") underWay.begin(event);
        if (event.type === "emergency-noted-late")
          await ports.emergencies.forget(event.emergency.id).catch(() => undefined);
      }
      changed();
    },
    refused: async (events, next, refusal) => {
      const ahead = await goAhead(stage(NEVER), events, next, refusal);
      if (ahead !== null) underWay.abortSteps();
      return ahead;
    },
  });

  const settleEffect = (key: string, outcome: Outcome, tookMs: number): Promise<void> =>
    inTurn(async () => {
      const took = Math.round(tookMs);
      said = null;
      book.owe(
        "observed" in outcome
          ? { type: "effect-confirmed", key, observed: outcome.observed, tookMs: took }
          : { type: "effect-failed", key, fault: outcome.fault, tookMs: took },
      );
      await book.catchUp();
      await decideOn();
    });

  const alerts = createAlertKeeping(ports, (event) =>
    inTurn(async () => {
      await book.append([event]);
      await decideOn();
    }).catch(fatal),
  );

  /** The journal can't be written: nothing new is begun; the next look tries again. */
  const fatal = (error: unknown): void => {
    const before = lastFault?.code;
    lastFault = faultOf(error, "engine", "The engine could not go on.");
    if (lastFault.code === "stale-epoch") refused(lastFault);
    // Told once: each telling brings the next look at once, and a disk can be full for hours.
    if (lastFault.code !== before) changed();
  };
  let lastFault: Fault | null = null;

  const underWay = createUnderWay({ clock, stage, settled: settleEffect, refused, fatal });

  const decideOn = async (): Promise<void> => {
    for (;;) {
      if (underWay.isAbandoned()) return;
      const state = book.state();
      const events = decide(state, watch.seen(state, time.now()), time.now());
      if (events.length === 0 && !book.isOwed()) return;
      await book.append(events);
    }
  };

  /** What has just happened, people hear now, and not from an engine that may come days later. */
  const sayLastWords = async (): Promise<void> => {
    await inTurn(async () => {
      const events = decideMessages(book.release(), time.now());
      if (events.length > 0) await book.append(events);
    }).catch(fatal);
    await underWay.messagesEnd();
  };

  const renewLease = async (): Promise<void> => {
    const release = book.release();
    if (release.share === 0 || release.share === WHOLE || isEnded(release)) return;
    // Often enough that two in a row may get lost.
    if (clock.monotonic() - renewedAt < Math.min(RENEW_EVERY_MS, release.plan.unwatched.afterMs / 3)) return;
    renewedAt = clock.monotonic();
    // A plane that can't be asked shows as source-down; the lease is there for just that.
    await traffic.renew(epoch).catch(() => undefined);
  };

  const checkpoint = async (): Promise<void> => {
    const release = book.release();
    const progress = currentStep(release)?.progress;
    if (isEnded(release) || progress?.state !== "running" || release.share === 0) return;
    const inStep = time.now().watched - (progress.startedAt?.watched ?? 0);
    // What was watched since the last one is lost with the engine: in a step of half a minute that would be all of it.
    const every = inStep < 10 * MINUTE ? 5 * SECOND : inStep < HOUR ? MINUTE : 5 * MINUTE;
    const gathered = worthKeeping(watch.gathered(release), release, time.now(), inStep);
    if (gathered !== null) await book.append([{ type: "watch-checkpoint", gathered }]);
    else if (time.now().watched - release.lastAt.watched >= every) await book.append([{ type: "watch-checkpoint" }]);
  };

  return {
    state: () => book.release(),
    seq: () => book.seq(),
    status: () => {
      const state = book.state();
      const now = time.now();
      const status = statusOf(state, now, watch.figures(state, now), watch.look(state, now));
      const waits = said ?? notReadyYet(state, world, time.now().wall);
      const seen = waits === null || status.current === null ? {} : { current: { ...status.current, seen: waits } };
      const undoing = said === null || status.rollback === null ? {} : { rollback: { ...status.rollback, seen: said } };
      return { ...status, ...seen, ...undoing, fault: status.fault ?? lastFault };
    },
    tick: () =>
      inTurn(async () => {
        time.look();
        try {
          await renewLease();
          await book.catchUp();
          probes.look(book.release());
          sources.look(book.release());
          alerts.look(book.release());
          await decideOn();
          await checkpoint();
          lastFault = null;
        } catch (error) {
          fatal(error);
        }
      }),
    command: (asked, by, reason) =>
      inTurn(async () => {
        await book.catchUp();
        const answer = command(book.state(), asked, { name: by }, reason, time.now().wall);
        if (answer.kind === "accepted") {
          await book.append(answer.events);
          await decideOn();
        }
        return answer;
      }),
    isSettled: () => underWay.isEmpty() && !book.isOwed() && isSettled(book.release(), time.now().wall),
    abandon: async () => {
      await Promise.all([underWay.abandon(sayLastWords), probes.stop(), sources.stop(), alerts.stop()]);
      await queue;
    },
  };
}
