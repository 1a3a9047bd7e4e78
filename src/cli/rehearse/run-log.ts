import { type Fault, FaultError, faultOf } from "../../core/fault.ts";
import {
  type PartName,
  type RehearsedPart,
  type RehearsedStep,
  type RequestCount,
  requestsBetween,
  type Trouble,
} from "../../core/rehearsal/rehearsal.ts";
import type { Duration } from "../../core/time/time.ts";
import type { RehearsalView } from "./view.ts";

/** What is written down while a rehearsal runs: parts and their steps, each with its time. */
export interface RunLog {
  readonly parts: readonly RehearsedPart[];
  trouble(): Trouble | null;
  /** A part; throws what goes wrong in it, once that is written down. */
  part(name: PartName, work: (part: PartLog) => Promise<void>): Promise<void>;
}

export interface PartLog {
  /** Measures it. `note`: what came of it, in a sentence. */
  step<T>(name: string, work: () => Promise<T>, note?: (result: T) => string | undefined): Promise<T>;
  /** One that something else has measured. */
  readonly add: (step: RehearsedStep) => void;
  /** `said`: what goes on in the step, in a few words. */
  readonly now: (step: string, said?: string) => void;
  /** Why the part failed, at a step that is written down already. */
  fail(step: string, fault: Fault): never;
}

export function startLog(view: RehearsalView, count: () => RequestCount): RunLog {
  const parts: RehearsedPart[] = [];
  let trouble: Trouble | null = null;
  return {
    parts,
    trouble: () => trouble,
    part: async (name, work) => {
      view.part(name);
      const steps: RehearsedStep[] = [];
      const startedAt = performance.now();
      const before = count();
      const add = (step: RehearsedStep): void => {
        steps.push(step);
        view.step(name, step);
      };
      const fail = (step: string, fault: Fault, cause?: unknown): never => {
        trouble ??= { part: name, step, fault };
        throw new FaultError(fault, { cause });
      };
      let doing = "";
      const now = (step: string, said = ""): void => view.now((doing = step), said);
      try {
        await work({
          add,
          now,
          fail,
          step: async (step, measured, note) => {
            now(step);
            const begunAt = performance.now();
            try {
              const result = await measured();
              const said = note?.(result);
              add({
                name: step,
                state: "passed",
                tookMs: since(begunAt),
                ...(said === undefined ? {} : { note: said }),
              });
              return result;
            } catch (error) {
              add({ name: step, state: "failed", tookMs: since(begunAt) });
              return fail(step, faultOf(error, "rehearsal-failed", `"${step}" failed.`), error);
            }
          },
        });
      } catch (error) {
        trouble ??= {
          part: name,
          step: doing === "" ? name : doing,
          fault: faultOf(error, "rehearsal-failed", "The rehearsal failed."),
        };
        throw error;
      } finally {
        view.now("");
        const part = { name, tookMs: since(startedAt), steps, requests: requestsBetween(before, count()) };
        parts.push(part);
        view.partOver(part);
      }
    },
  };
}

function since(begunAt: number): Duration {
  return Math.round(performance.now() - begunAt);
}
