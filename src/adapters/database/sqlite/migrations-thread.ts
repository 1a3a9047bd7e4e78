import { parentPort } from "node:worker_threads";
import { type Fault, FaultError } from "../../../core/fault.ts";
import type { DownRequest, DownResult, MigrationProgress, UpRequest, UpResult } from "../../../ports/migrations.ts";
import { createSqliteMigrations, type SqliteMigrationSettings } from "./migrations.ts";

/** What the thread is sent: one order, perhaps that it should stop, and what comes of its questions. */
export type ToThread =
  | {
      readonly kind: "up";
      readonly settings: SqliteMigrationSettings;
      readonly request: Plainly<UpRequest>;
      /** It asks before a contract takes away. */
      readonly asks: boolean;
    }
  | { readonly kind: "down"; readonly settings: SqliteMigrationSettings; readonly request: Plainly<DownRequest> }
  /** `fault`: why it must not; null: it may. */
  | { readonly kind: "answer"; readonly fault: Fault | null }
  | { readonly kind: "stop" };

/** Without what no thread can be sent. */
export type Plainly<Request> = Omit<Request, "signal" | "tell" | "beforeContract">;

export type FromThread =
  | { readonly kind: "progress"; readonly progress: MigrationProgress }
  | { readonly kind: "before-contract"; readonly file: string }
  | { readonly kind: "done"; readonly result: UpResult | DownResult }
  | { readonly kind: "stopped" }
  | { readonly kind: "fault"; readonly fault: Fault }
  | { readonly kind: "error"; readonly message: string };

const stopping = new AbortController();
/** Waits for the answer to what was asked last. */
let answered = Promise.withResolvers<Fault | null>();

/** A thread that migrates as it is told, once: SQLite works in the thread that asks it, and nothing else is done there meanwhile. */
parentPort?.on("message", (message: ToThread) => {
  if (message.kind === "stop") stopping.abort();
  else if (message.kind === "answer") answered.resolve(message.fault);
  else void carryOut(message).then(send);
});

async function mayContract(file: string): Promise<void> {
  answered = Promise.withResolvers();
  send({ kind: "before-contract", file });
  const fault = await answered.promise;
  if (fault !== null) throw new FaultError(fault);
}

async function carryOut(order: Exclude<ToThread, { readonly kind: "stop" | "answer" }>): Promise<FromThread> {
  const going = {
    signal: stopping.signal,
    tell: (progress: MigrationProgress) => send({ kind: "progress", progress }),
  };
  const migrations = createSqliteMigrations(order.settings);
  try {
    const result =
      order.kind === "up"
        ? await migrations.up({ ...order.request, ...going, ...(order.asks ? { beforeContract: mayContract } : {}) })
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
