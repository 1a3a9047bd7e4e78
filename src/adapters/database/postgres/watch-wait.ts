import type { Session } from "./session.ts";

const FIRST_LOOK_MS = 50;

/** Sees from beside how long a statement waits for a lock. Costs nothing where it is done at once. */
export function watchWait({ guard, workPid }: Session): AsyncDisposable & { readonly waitedMs: () => number } {
  let waitedMs = 0;
  let since: number | null = null;
  let isOver = false;
  let looking: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    const { rows } = await guard.query<{ waits: boolean }>(
      "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted) AS waits",
      [workPid],
    );
    const now = performance.now();
    if (rows[0]?.waits === true) since ??= now - FIRST_LOOK_MS;
    else since = null;
    if (since !== null) waitedMs = Math.max(waitedMs, Math.round(now - since));
    if (!isOver) again();
  };
  const again = (): void => {
    timer = setTimeout(() => {
      looking = look().catch(() => undefined);
    }, FIRST_LOOK_MS);
  };
  let timer: NodeJS.Timeout;
  again();
  return {
    waitedMs: () => waitedMs,
    [Symbol.asyncDispose]: async () => {
      isOver = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
