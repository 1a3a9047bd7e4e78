import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { FaultError } from "../core/fault.ts";
import { ownProgram } from "../local/own-program.ts";
import type { LoadReport, LoadSecond } from "./load-report.ts";
import type { LoadOptions } from "./run-load.ts";

/** The load running in a process of its own. */
export interface LoadProcess {
  readonly pid: number;
  /** Ends the load and answers what it counted. Faults: load-failed. */
  stop(): Promise<LoadReport>;
  /** The same answer, for a load that ends by itself. */
  readonly finished: Promise<LoadReport>;
}

/** Starts the load; `onSecond` sees each second of it. */
export function startLoad(
  options: LoadOptions,
  onSecond: (second: LoadSecond) => void = () => undefined,
  extra: { readonly seconds?: number; readonly reportFile?: string } = {},
): LoadProcess {
  const [program = process.execPath, ...words] = ownProgram("load", import.meta.url);
  const child = spawn(program, [...words, ...argumentsOf(options, extra)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let report: LoadReport | undefined;
  let complaint = "";
  child.stderr.on("data", (data: Buffer) => (complaint = `${complaint}${data.toString("utf8")}`.slice(-4_000)));
  createInterface({ input: child.stdout }).on("line", (line) => {
    const message = JSON.parse(line) as LoadSecond | LoadReport;
    if (message.type === "load-second") onSecond(message);
    else report = message;
  });
  const finished = new Promise<LoadReport>((resolve, reject) => {
    child.once("error", (error) => reject(loadFailed(error.message)));
    child.once("close", () => (report === undefined ? reject(loadFailed(complaint.trim())) : resolve(report)));
  });
  // Whoever never asks for the end must not be brought down by it.
  finished.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    finished,
    stop() {
      child.kill("SIGTERM");
      return finished;
    },
  };
}

function argumentsOf(
  options: LoadOptions,
  extra: { readonly seconds?: number; readonly reportFile?: string },
): string[] {
  const values: Readonly<Record<string, string | number | undefined>> = {
    url: options.url,
    rate: options.requestsPerSecond,
    connections: options.connections,
    "web-sockets": options.webSockets,
    events: options.eventStreams,
    visitors: options.visitors,
    seed: options.seed,
    store: options.store,
    seconds: extra.seconds,
    report: extra.reportFile,
  };
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]));
}

function loadFailed(cause: string): FaultError {
  return new FaultError({ code: "load-failed", what: "The load process ended without a report.", cause });
}
