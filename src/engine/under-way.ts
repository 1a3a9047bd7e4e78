import type { Observed } from "../core/release/effect.ts";
import type { EventOf } from "../core/release/event.ts";
import { type Fault, faultOf } from "../core/fault.ts";
import { SECOND } from "../core/time/time.ts";
import type { Clock } from "../ports/clock.ts";
import { atMost } from "./at-most.ts";
import { perform, type Stage } from "./perform.ts";

/** How long a rollback waits for what was under way to stop, before it stops the candidate. */
const ABORT_WAIT_MS = 5 * SECOND;
/** How long messages get to arrive when the engine stops: what is not known to have arrived, people are told again. */
const FAREWELL_MS = 2 * SECOND;
/** How long messages that are stopped get to say whether they can have arrived: nobody is told twice for want of that. */
const FAREWELL_ENDS_MS = SECOND / 2;
/** How long smoke flows and the like get to clean up when the engine stops. */
const CLEAN_UP_MS = 2 * SECOND;

/** What came of an effect. */
export type Outcome = { readonly observed: Observed } | { readonly fault: Fault };

/** The effects of one release that are being performed now. */
export interface UnderWay {
  /** Performs it; never throws. One of a rollback begins when what was begun before it has stopped. */
  begin(event: EventOf<"effect-requested">): void;
  /** Stops what belongs to steps and to a retirement brought forward: a rollback is decided. */
  abortSteps(): void;
  isEmpty(): boolean;
  /** Nothing is to be decided any more, and of what is under way only messages are told of. */
  isAbandoned(): boolean;
  /** Resolves when every message that is under way now has arrived or failed. */
  messagesEnd(): Promise<void>;
  /** Stops performing, within a bound. `lastWords`: what may be begun meanwhile all the same. */
  abandon(lastWords: () => Promise<void>): Promise<void>;
}

export interface UnderWayInput {
  readonly clock: Clock;
  readonly stage: (signal: AbortSignal) => Stage;
  /** Told of each that has ended; it counts as under way no more. */
  readonly settled: (key: string, outcome: Outcome, tookMs: number) => Promise<void>;
  /** Data plane or runtime refused: somebody with a higher epoch acts. */
  readonly refused: (fault: Fault) => void;
  /** Told when `settled` fails. */
  readonly fatal: (error: unknown) => void;
}

interface Performance {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
  /** Goes on when a rollback is decided. */
  readonly isUndo: boolean;
  readonly isMessage: boolean;
}

export function createUnderWay({ clock, stage, settled, refused, fatal }: UnderWayInput): UnderWay {
  /** By the effect's key. */
  const performances = new Map<string, Performance>();
  let isAbandoned = false;
  let isGone = false;

  const endings = (which: (each: Performance) => boolean): readonly Promise<void>[] =>
    [...performances.values()].filter(which).map(({ ended }) => ended);

  const run = async (
    { key, name, effect, within }: EventOf<"effect-requested">,
    signal: AbortSignal,
    before: Promise<void>,
  ): Promise<void> => {
    const begun = clock.monotonic();
    const outcome: Outcome = await before
      .then(() => perform(stage(signal), effect))
      .then(
        (observed) => ({ observed }),
        (error: unknown) => ({ fault: faultOf(error, "effect-failed", `"${name}" failed.`) }),
      );
    performances.delete(key);
    if (isGone || (isAbandoned && within.kind !== "message")) return;
    if ("fault" in outcome && outcome.fault.code === "stale-epoch") return refused(outcome.fault);
    await settled(key, outcome, clock.monotonic() - begun);
  };

  return {
    begin: (event) => {
      const { key, effect, within } = event;
      const controller = new AbortController();
      // What was begun before the rollback must have stopped before the rollback stops what it started.
      const before =
        within.kind === "undo" && effect.kind !== "share"
          ? atMost(
              clock,
              ABORT_WAIT_MS,
              endings(({ isUndo }) => !isUndo),
            )
          : Promise.resolve();
      performances.set(key, {
        controller,
        ended: run(event, controller.signal, before).catch(fatal),
        isUndo: within.kind === "undo" || within.kind === "message",
        isMessage: within.kind === "message",
      });
    },
    abortSteps: () => {
      for (const { controller, isUndo } of performances.values()) if (!isUndo) controller.abort();
    },
    isEmpty: () => performances.size === 0,
    isAbandoned: () => isAbandoned,
    messagesEnd: async () => {
      await Promise.all(endings(({ isMessage }) => isMessage));
    },
    abandon: async (lastWords) => {
      isAbandoned = true;
      const work = [...performances.values()].filter(({ isMessage }) => !isMessage);
      for (const { controller } of work) controller.abort();
      const cleanUps = atMost(
        clock,
        CLEAN_UP_MS,
        work.map(({ ended }) => ended),
      );
      await Promise.all([cleanUps, atMost(clock, FAREWELL_MS, [lastWords()])]);
      for (const { controller, isMessage } of performances.values()) if (isMessage) controller.abort();
      await atMost(
        clock,
        FAREWELL_ENDS_MS,
        endings(({ isMessage }) => isMessage),
      );
      isGone = true;
      for (const { controller } of performances.values()) controller.abort();
    },
  };
}
