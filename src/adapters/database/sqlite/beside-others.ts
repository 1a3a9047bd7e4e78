import { FaultError, faultOf } from "../../../core/fault.ts";
import { ownThread } from "../../../local/own-program.ts";
import type { BeforeContract, DownResult, MigrationProgress, Migrations, UpResult } from "../../../ports/migrations.ts";
import { createSqliteMigrations, type SqliteMigrationSettings } from "./migrations.ts";
import type { FromThread, ToThread } from "./migrations-thread.ts";

/**
 * Migrations of a file of SQLite, of which whatever may last runs in a thread of its own: an engine goes on meanwhile. Told to stop, it
 * finishes the statement that runs, which nobody can interrupt, and takes back what is not whole.
 */
export function sqliteBesideOthers(settings: SqliteMigrationSettings): Migrations {
  return {
    ...createSqliteMigrations(settings),
    up: ({ signal, tell, beforeContract, ...request }) =>
      inThread<UpResult>(
        { kind: "up", settings, request, asks: beforeContract !== undefined },
        { signal, tell, beforeContract },
      ),
    down: ({ signal, tell, ...request }) => inThread<DownResult>({ kind: "down", settings, request }, { signal, tell }),
  };
}

interface Asker {
  readonly signal: AbortSignal;
  readonly tell: (progress: MigrationProgress) => void;
  readonly beforeContract?: BeforeContract | undefined;
}

async function inThread<Result extends UpResult | DownResult>(
  order: ToThread,
  { signal, tell, beforeContract }: Asker,
): Promise<Result> {
  signal.throwIfAborted();
  const thread = ownThread("migrations-thread", import.meta.url);
  const send = (message: ToThread): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
    thread.postMessage(message);
  };
  const stop = (): void => send({ kind: "stop" });
  const mayContract = async (file: string): Promise<ToThread> => {
    try {
      await beforeContract?.(file);
      return { kind: "answer", fault: null };
    } catch (error) {
      return { kind: "answer", fault: faultOf(error, "contract-refused", `${file} may not take anything away.`) };
    }
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await new Promise<Result>((resolve, reject) => {
      thread.once("error", reject);
      thread.once("exit", (code) => reject(new Error(`The thread that migrates ended with code ${code}.`)));
      thread.on("message", (message: FromThread) => {
        if (message.kind === "progress") tell(message.progress);
        else if (message.kind === "before-contract") void mayContract(message.file).then(send);
        else if (message.kind === "done") resolve(message.result as Result);
        else reject(asError(message, signal));
      });
      send(order);
    });
  } finally {
    signal.removeEventListener("abort", stop);
    await thread.terminate();
  }
}

function asError(
  message: Exclude<FromThread, { readonly kind: "progress" | "before-contract" | "done" }>,
  signal: AbortSignal,
): unknown {
  if (message.kind === "stopped") return signal.reason;
  return message.kind === "fault" ? new FaultError(message.fault) : new Error(message.message);
}
