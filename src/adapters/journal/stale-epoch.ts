import { FaultError } from "../../core/fault.ts";

/** An engine that was stopped for a while may not know that another one has taken over: its lock alone won't tell it. */
export function staleEpoch(asked: number, newest: number): FaultError {
  return new FaultError({
    code: "stale-epoch",
    what: `A newer engine (epoch ${newest}) has taken over from this one (epoch ${asked}).`,
    fix: "tidegate status",
  });
}
