import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../../core/fault.ts";
import type { RehearsalCopies } from "../../ports/rehearsal-copies.ts";

const LOOK_MS = 300;

/** Aborted, with a FaultError, as soon as a process of the rehearsal is seen in the app's own database. */
export interface ProductionWatch extends AsyncDisposable {
  readonly signal: AbortSignal;
}

/** Looks again and again. `application`: what the connections of the rehearsal's processes are called. */
export function watchProduction(copies: RehearsalCopies | null, application: string): ProductionWatch {
  const found = new AbortController();
  const over = new AbortController();
  const watching = copies === null ? Promise.resolve() : look(copies, application, found, over.signal);
  return {
    signal: found.signal,
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await watching;
    },
  };
}

async function look(
  copies: RehearsalCopies,
  application: string,
  found: AbortController,
  over: AbortSignal,
): Promise<void> {
  while (!over.aborted && !found.signal.aborted) {
    // A server that does not answer now is asked again; the copy is on the same one, so that the rehearsal itself fails.
    const sessions = await copies.sessionsInApp(application, over).catch(() => 0);
    if (sessions > 0) found.abort(touches(sessions, copies.place));
    await delay(LOOK_MS, undefined, { signal: over }).catch(() => undefined);
  }
}

function touches(sessions: number, place: string): FaultError {
  return new FaultError({
    code: "rehearsal-touches-production",
    what: `A process of the rehearsal has ${sessions === 1 ? "a connection" : `${sessions} connections`} to the app's own database (${place}), so all of it was ended at once.`,
    fix: 'let the app take its database from the variable that the plan names: database: { url: "${DATABASE_URL}" }',
  });
}
