import { exchange } from "../local/http-exchange.ts";
import { stopFamily } from "../local/process-family.ts";
import { isSameProcess, type ProcessIdentity } from "../local/process-identity.ts";
import type { Liveness } from "./protocol.ts";

/** Of a process that hangs, between asking it to end and ending it. */
const HUNG_GRACE_MS = 3_000;

/** What is asked whether it lives, as it is at the moment. */
export interface Asked {
  readonly id: string;
  readonly liveness: Liveness;
  /** null: no process now. */
  readonly identity: ProcessIdentity | null;
}

interface Pulse {
  readonly identity: ProcessIdentity;
  readonly since: number;
  nextAt: number;
  bad: number;
  wasWell: boolean;
  isAsking: boolean;
}

/**
 * Ends processes that live but no longer answer that they do, so that they are started again like any that crashed.
 * The result is to be called about once a second.
 */
export function createLiveness(asked: () => readonly Asked[], note: (text: string) => void): () => void {
  const pulses = new Map<string, Pulse>();

  const ask = async ({ id, liveness }: Asked, pulse: Pulse): Promise<void> => {
    pulse.isAsking = true;
    const answer = await exchange({ url: liveness.url, timeoutMs: liveness.timeoutMs, keepBytes: 0, beyond: "stop" });
    pulse.isAsking = false;
    pulse.nextAt = performance.now() + liveness.everyMs;
    const isGood = answer.answered && answer.status >= 200 && answer.status < 400;
    pulse.wasWell ||= isGood;
    const { delayMs, startMs = delayMs } = liveness;
    const isEarly = performance.now() - pulse.since < (pulse.wasWell ? delayMs : Math.max(delayMs, startMs));
    if (isGood || isEarly) pulse.bad = 0;
    else pulse.bad += 1;
    if (pulse.bad < liveness.fall || !isSameProcess(pulse.identity)) return;
    pulse.bad = 0;
    const why = answer.answered ? `answers ${answer.status}` : answer.what;
    note(`${id} is alive and not well (${liveness.url}: ${why}, ${liveness.fall} times in a row): it is started again`);
    await stopFamily(pulse.identity, HUNG_GRACE_MS);
  };

  return () => {
    const now = performance.now();
    const here = asked();
    for (const id of pulses.keys()) if (!here.some((each) => each.id === id)) pulses.delete(id);
    for (const each of here) {
      const { identity } = each;
      if (identity === null) continue;
      let pulse = pulses.get(each.id);
      // Another process under the same name is judged anew.
      if (pulse?.identity.pid !== identity.pid || pulse.identity.startTicks !== identity.startTicks) {
        pulse = { identity, since: now, nextAt: now + each.liveness.everyMs, bad: 0, wasWell: false, isAsking: false };
        pulses.set(each.id, pulse);
      }
      const mine = pulse;
      if (!mine.isAsking && now >= mine.nextAt) {
        void ask(each, mine).catch((error: unknown) => note(`${each.id} could not be ended: ${String(error)}`));
      }
    }
  };
}
