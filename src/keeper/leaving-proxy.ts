import { formatDuration, type Instant, SECOND } from "../core/time/time.ts";
import { Refusal } from "../local/control-socket.ts";
import type { ProxyRun } from "./proxy-run.ts";

/** A process of the data plane that another one took over from: it finishes what it has, at most until then. */
export interface Leaving {
  readonly run: ProxyRun;
  readonly until: Instant;
}

/** Why no other one may leave beside it. */
export function stillLeaving({ run, until }: Leaving): Refusal {
  const pid = run.process.identity?.pid;
  const forMs = Math.max(0, Math.round((until - Date.now()) / SECOND) * SECOND);
  return new Refusal(409, {
    code: "proxy-still-leaving",
    what: `Process ${pid ?? "(unknown)"} of the data plane still finishes what it had before the last restart, for ${formatDuration(forMs)} at most, and a third one can't begin beside two. Nothing was changed.`,
    fix: `do it again when that has ended${pid === undefined ? "" : `; to end it within 10s, and cut what it has then: kill ${pid}`}`,
  });
}
