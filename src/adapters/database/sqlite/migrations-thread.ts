import { parentPort } from "node:worker_threads";
import { type Fault, FaultError } from "../../../core/fault.ts";
import type { DownRequest, DownResult, MigrationProgress, UpRequest, UpResult } from "../../../ports/migrations.ts";
import { createSqliteMigrations, type SqliteMigrationSettings } from "./migrations.ts";

/** What the thread is sent: one order, and perhaps that it should stop. */
export type ToThread =
  | { readonly kind: "up"; readonly settings: SqliteMigrationSettings; readonly request: Plainly<UpRequest> }
  | { readonly kind: "down"; readonly settings: SqliteMigrationSettings; readonly request: Plainly<DownRequest> }
  | { readonly kind: "stop" };

/** Without what no thread can be sent. */
export type Plainly<Request> = Omit<Request, "signal" | "tell">;

export type FromThread =
  | { readonly kind: "progress"; readonly progress: MigrationProgress }
  | { readonly kind: "done"; readonly result: UpResult | DownResult }
  | { readonly kind: "stopped" }
  | { readonly kind: "fault"; readonly fault: Fault }
  | { readonly kind: "error"; readonly message: string };

const stopping = new AbortController();

/** A thread that migrates as it is told, once: SQLite works in the thread that asks it, and nothing else is done there meanwhile. */
parentPort?.on("message", (message: ToThread) => {
  if (message.kind === "stop") stopping.abort();
  else void carryOut(message).then(send);
});

async function carryOut(order: Exclude<ToThread, { readonly kind: "stop" }>): Promise<FromThread> {
  const going = {
    signal: stopping.signal,
    tell: (progress: MigrationProgress) => send({ kind: "progress", progress }),
  };
  const migrations = createSqliteMigrations(order.settings);
  try {
    const result =
      order.kind === "up"
        ? await migrations.up({ ...order.request, ...going })
        : await migrations.down({ ...order.request, ...going });
    return { kind: "done", result };
  } catch (error) {
    if (stopping.signal.aborted) return { kind: "stopped" };
    if (error instanceof FaultError) return { kind: "fault", fault: error.fault };
    return { kind: "error", message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function send(message: FromThread): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
  parentPort?.postMessage(message);
}
