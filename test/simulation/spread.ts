import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";

/** How pieces of work are done in other processes, as many at once as there are cores. */
export interface Spreading<Piece> {
  readonly program: URL;
  readonly pieces: Iterator<Piece>;
  readonly take: (result: unknown, piece: Piece) => void;
  /** Each piece gets a process of its own, for those that change the program itself. */
  readonly fresh?: boolean;
}

/** A process gets its next piece when it has answered. */
export async function spread<Piece extends object>(spreading: Spreading<Piece>): Promise<void> {
  const processes = Math.max(1, Math.min(8, availableParallelism()));
  await Promise.all(Array.from({ length: processes }, () => work(spreading)));
}

async function work<Piece extends object>({ program, pieces, take, fresh = false }: Spreading<Piece>): Promise<void> {
  let child: ChildProcess | null = null;
  try {
    for (let next = pieces.next(); next.done !== true; next = pieces.next()) {
      child ??= fork(program, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
      take(await answerOf(child, next.value), next.value);
      if (!fresh) continue;
      await end(child);
      child = null;
    }
  } finally {
    if (child !== null) await end(child);
  }
}

async function answerOf(child: ChildProcess, piece: object): Promise<unknown> {
  const over = new AbortController();
  const { signal } = over;
  child.send(piece);
  try {
    return await Promise.race([
      once(child, "message", { signal }).then(([result]: unknown[]) => result),
      once(child, "exit", { signal }).then(([code]: unknown[]) => {
        throw new Error(`A process that simulates ended with code ${String(code)}.`);
      }),
    ]);
  } finally {
    over.abort(new Error("it has answered"));
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}
