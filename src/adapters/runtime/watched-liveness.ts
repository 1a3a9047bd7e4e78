import type { Health, Service } from "../../core/plan/service.ts";
import type { Duration } from "../../core/time/time.ts";
import { exchange } from "../../local/http-exchange.ts";

/** How an instance is asked whether it hangs; kept with it, so that whoever acts next asks the same. */
export type Liveness = Pick<Health, "everyMs" | "timeoutMs" | "fall" | "delayMs"> & {
  readonly path: string;
  /** For how long one that has not answered well yet may still be starting. Absent: as `delayMs`. */
  readonly startMs?: Duration;
};

/** One that is to be asked now and then. */
export interface Asked {
  readonly id: string;
  /** The life that is watched: another one begins from nothing. */
  readonly life: string | number;
  /** Unix ms. */
  readonly startedAt: number;
  readonly address: string;
  readonly liveness: Liveness;
}

interface Watched {
  readonly life: string | number;
  nextAt: number;
  bad: number;
  wasWell: boolean;
  isBusy: boolean;
}

export function livenessOf({ health, startMs }: Pick<Service, "health" | "startMs">): Liveness | undefined {
  if (health?.live === undefined) return undefined;
  const { live, everyMs, timeoutMs, fall, delayMs } = health;
  return { path: live, everyMs, timeoutMs, fall, delayMs, startMs };
}

/** For runtimes that ask no instance themselves. The result asks one that is due; one that was asked in vain often enough is restarted. Never waits for it. */
export function watchedLiveness<T extends Asked>(restart: (asked: T) => Promise<void>): (asked: T) => void {
  const watched = new Map<string, Watched>();

  const ask = async (asked: T, mine: Watched): Promise<void> => {
    const { path, timeoutMs, fall, delayMs, startMs = delayMs } = asked.liveness;
    const answer = await exchange({ url: `http://${asked.address}${path}`, timeoutMs, keepBytes: 0, beyond: "stop" });
    const isGood = answer.answered && answer.status >= 200 && answer.status < 400;
    mine.wasWell ||= isGood;
    const isEarly = Date.now() - asked.startedAt < (mine.wasWell ? delayMs : Math.max(delayMs, startMs));
    mine.bad = isGood || isEarly ? 0 : mine.bad + 1;
    if (mine.bad < fall) return;
    mine.bad = 0;
    await restart(asked);
  };

  return (asked) => {
    const known = watched.get(asked.id);
    const mine =
      known?.life === asked.life ? known : { life: asked.life, nextAt: 0, bad: 0, wasWell: false, isBusy: false };
    watched.set(asked.id, mine);
    if (mine.isBusy || performance.now() < mine.nextAt) return;
    mine.isBusy = true;
    mine.nextAt = performance.now() + asked.liveness.everyMs;
    // What can't be restarted now is asked again in its time.
    void ask(asked, mine)
      .catch(() => undefined)
      .finally(() => (mine.isBusy = false));
  };
}
