import { runInNewContext } from "node:vm";
import type { InstanceSeen } from "../../core/observation.ts";
import type { LogFrom, Reading, Subject } from "../../core/plan/source.ts";
import { MINUTE } from "../../core/time/time.ts";
import type { Runtime } from "../../ports/runtime.ts";
import { newLines } from "./new-lines.ts";
import type { Asking } from "./settings.ts";

/** So many of an instance's last lines are looked at each time. */
const LINES = 2_000;
/** A pattern that takes longer than this is one that tries every way through a text. */
const LONGEST_MATCH_MS = 300;
/** What began before that has lines of another time. */
const YOUNG_MS = 10 * MINUTE;

/** What is kept of an instance's log between two questions. */
interface Followed {
  readonly tail: readonly string[];
  /** By the steady clock. */
  readonly at: number;
}

/** Counts the lines that match, by what has come since the last question of the same source about the same version. */
export interface LogFollower {
  ask(from: LogFrom, subject: Subject, asking: Asking): Promise<Reading>;
}

export function createLogFollower(runtime: Pick<Runtime, "instances" | "log">): LogFollower {
  const followed = new Map<string, Followed>();
  return {
    ask: async ({ pattern, service }, { version, slot }, { settings: { clock } }) => {
      const mine = (await runtime.instances()).filter(
        (each) => each.version === version && each.slot === slot && (service === undefined || each.service === service),
      );
      if (mine.length === 0) return { kind: "no-data", why: "none of its instances runs" };
      let lines = 0;
      let overMs = 0;
      for (const instance of mine) {
        const key = JSON.stringify([pattern, instance.id, instance.startedAt]);
        const tail = await runtime.log(instance.id, LINES);
        const at = clock.monotonic();
        const before = followed.get(key) ?? firstOf(instance, at, clock.wall());
        followed.set(key, { tail, at });
        if (before === null) continue;
        const fresh = newLines(before.tail, tail, LINES);
        if (fresh === null)
          return { kind: "down", why: "its newest lines are all alike, so nobody can say how many came" };
        const count = matching(pattern, fresh);
        if (count === null) return { kind: "down", why: "the pattern takes too long", fix: "make it simpler" };
        lines += count;
        overMs = Math.max(overMs, at - before.at);
      }
      if (overMs === 0) return { kind: "no-data", why: "its lines are counted from now on" };
      // Of the first seconds of a process nobody can say what it does in a minute: they count as they are.
      return { kind: "value", value: (lines * MINUTE) / Math.max(overMs, MIN_SPAN_MS) };
    },
  };
}

/** One line in half a second is not 120 a minute. */
const MIN_SPAN_MS = 10_000;

/** What came before it was first asked about: all of it where it is young, else nothing that counts. */
function firstOf({ startedAt }: InstanceSeen, now: number, wall: number): Followed | null {
  if (startedAt === undefined || wall - startedAt > YOUNG_MS) return null;
  return { tail: [], at: now - Math.max(0, wall - startedAt) };
}

/** Apart, with a bound, because a pattern of the user's must not stop the engine. null: it takes too long. */
function matching(pattern: string, lines: readonly string[]): number | null {
  try {
    return runInNewContext(
      'const like = new RegExp(pattern, "u"); lines.filter((line) => like.test(line)).length',
      { pattern, lines },
      { timeout: LONGEST_MATCH_MS },
    ) as number;
  } catch {
    return null;
  }
}
