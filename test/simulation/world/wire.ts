import { FaultError } from "../../../src/core/fault.ts";
import type { Process } from "../scheduler.ts";
import type { Ground } from "./ground.ts";
import type { Place } from "./troubles.ts";

/** An engine's process, with the moment at which it is going to be killed. */
export interface EngineProcess extends Process {
  /** Killed at the so many-th call that changes something (or any call), before it or after it was done. */
  doom: { left: number; readonly of: "changes" | "all"; readonly when: "before" | "after" } | null;
  /** Appends whose outcome it has not seen yet. */
  appending: number;
  /** The store has refused it, and owes it an answer since: it may know more than the journal. */
  isOwed: boolean;
}

/** How engines reach what is outside of them. */
export interface Wire {
  /** A call to another process: it may be late, lost, done twice, and done although the caller is dead by then. */
  remote<T>(process: EngineProcess, call: Call, work: () => Promise<T> | T): Promise<T>;
  /** A call that is done within the caller's own process, and dies with it. */
  local<T>(process: EngineProcess, call: Call, work: () => T): Promise<T>;
}

interface Call {
  readonly place: Place;
  readonly method: string;
  readonly changes: boolean;
  /** What the caller is told when nobody answers. */
  readonly unreachable: string;
}

/** After this long without an answer a caller gives up. */
const PATIENCE_MS = 5_000;

export function createWire(ground: Ground, kill: (process: EngineProcess, at: string) => void): Wire {
  const { scheduler, troubles, random } = ground;

  /** The engine can die between any two of its instructions: at every call, before it and after it was done. */
  const dies = (process: EngineProcess, { method, changes }: Call, when: "before" | "after"): boolean => {
    const { doom } = process;
    if (doom === null || doom.when !== when || (doom.of === "changes" && !changes)) return false;
    doom.left -= 1;
    if (doom.left > 0) return false;
    kill(process, `${when} ${method}`);
    return true;
  };

  const unreachable = ({ unreachable: code, method }: Call): FaultError =>
    new FaultError({ code, what: `Nobody answers ${method}.` });

  return {
    remote: (process, call, work) =>
      new Promise((resolve, reject) => {
        if (!process.alive || dies(process, call, "before")) return;
        const trip = troubles.trip(call.place);
        if (trip.deaf !== null) {
          if (trip.deaf === "done-late")
            scheduler.after(random.between(0, 2 * PATIENCE_MS), null, () => void attempt(work).catch(() => undefined));
          scheduler.after(PATIENCE_MS, process, () => reject(unreachable(call)));
          return;
        }
        const back = (settle: () => void): void => {
          if (!process.alive || dies(process, call, "after")) return;
          if (trip.backMs === 0 && !process.stopped) settle();
          else scheduler.after(trip.backMs, process, settle);
        };
        scheduler.after(trip.thereMs, null, () => {
          if (trip.refused) return back(() => reject(unreachable(call)));
          if (trip.againMs !== null)
            scheduler.after(trip.againMs, null, () => void attempt(work).catch(() => undefined));
          attempt(work).then(
            (value) => back(() => (trip.lost ? reject(unreachable(call)) : resolve(value))),
            (error: unknown) => back(() => reject(error)),
          );
        });
      }),
    local: (process, call, work) =>
      new Promise((resolve, reject) => {
        if (!process.alive || dies(process, call, "before")) return;
        const trip = troubles.trip(call.place);
        scheduler.after(trip.thereMs, process, () => {
          if (trip.refused) return reject(unreachable(call));
          try {
            const value = work();
            if (dies(process, call, "after")) return;
            if (trip.lost && call.changes) reject(unreachable(call));
            else resolve(value);
          } catch (error) {
            reject(error);
          }
        });
      }),
  };
}

async function attempt<T>(work: () => Promise<T> | T): Promise<T> {
  return work();
}
