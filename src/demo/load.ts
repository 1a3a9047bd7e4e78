/**
 * The demo's customers, as a process of their own: `node src/demo/load.ts --url http://127.0.0.1:8080`.
 * Writes a line of JSON each second (LoadSecond) and one at the end (LoadReport). Ends after `--seconds`, at SIGTERM or
 * Ctrl-C, or when whoever started it is gone.
 */
import { parseArgs } from "node:util";
import { describeFault, type Fault, FaultError, faultOf } from "../core/fault.ts";
import { writeFileAtomically } from "../local/atomic-file.ts";
import type { LoadReport } from "./load-report.ts";
import { type LoadOptions, runLoad, USUAL_LOAD } from "./run-load.ts";

/** What `--report FILE` holds. */
export interface LoadReportFile extends LoadReport {
  /** Every accepted order: id → total in cents. */
  readonly accepted: Readonly<Record<string, number>>;
}

const USAGE = `node src/demo/load.ts --url http://127.0.0.1:8080 [options]
  --rate N          requests a second (${USUAL_LOAD.requestsPerSecond})
  --seconds N       ends by itself after as long
  --connections N   kept alive at most (${USUAL_LOAD.connections})
  --web-sockets N   held open (${USUAL_LOAD.webSockets})
  --events N        streams of events held open (${USUAL_LOAD.eventStreams})
  --visitors N      different people (${USUAL_LOAD.visitors})
  --seed N          the same seed, the same crowd (${USUAL_LOAD.seed})
  --store FILE      the shop's database, to find every accepted order in at the end
  --report FILE     the last line, and all accepted orders, also go here`;

interface Order {
  readonly options: LoadOptions;
  readonly seconds: number | undefined;
  readonly report: string | undefined;
}

/** The program, with its words. */
export async function load(words: readonly string[]): Promise<void> {
  try {
    const order = readOrder(words);
    const { report, accepted } = await runLoad(order.options, endOf(order.seconds), writeLine);
    if (order.report !== undefined) {
      const file: LoadReportFile = { ...report, accepted: Object.fromEntries(accepted) };
      await writeFileAtomically(order.report, `${JSON.stringify(file)}\n`);
    }
    writeLine(report);
  } catch (error) {
    process.stderr.write(`${describeFault(faultOf(error, "load-failed", "The load could not be run."))}\n`);
    process.exitCode = error instanceof FaultError && error.fault.code === "bad-usage" ? 2 : 12;
  }
}

function writeLine(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Comes when it is time to stop. */
function endOf(seconds: number | undefined): AbortSignal {
  const end = new AbortController();
  const stop = (): void => end.abort();
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  // A reader that went away wants no more of it.
  process.stdout.on("error", stop);
  if (seconds !== undefined) setTimeout(stop, seconds * 1_000);
  else watchParent(stop);
  return end.signal;
}

/** Nobody would ever stop a load whose starter has died. */
function watchParent(stop: () => void): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) stop();
  }, 500).unref();
}

function readOrder(args: readonly string[]): Order {
  const values = parse(args);
  const number = (name: keyof typeof values, usual: number): number => {
    const value = values[name] === undefined ? usual : Number(values[name]);
    if (!Number.isFinite(value) || value < 0) throw badUsage(`--${name} is a number from 0, not "${values[name]}".`);
    return value;
  };
  if (values.url === undefined || !/^http:\/\/[^/]+\/?$/.test(values.url))
    throw badUsage("--url says where the shop is: http://127.0.0.1:8080");
  return {
    options: {
      url: values.url,
      requestsPerSecond: number("rate", USUAL_LOAD.requestsPerSecond),
      connections: number("connections", USUAL_LOAD.connections),
      webSockets: number("web-sockets", USUAL_LOAD.webSockets),
      eventStreams: number("events", USUAL_LOAD.eventStreams),
      visitors: number("visitors", USUAL_LOAD.visitors),
      seed: number("seed", USUAL_LOAD.seed),
      ...(values.store === undefined ? {} : { store: values.store }),
    },
    seconds: values.seconds === undefined ? undefined : number("seconds", 0),
    report: values.report,
  };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        url: text,
        rate: text,
        seconds: text,
        connections: text,
        "web-sockets": text,
        events: text,
        visitors: text,
        seed: text,
        store: text,
        report: text,
      },
    }).values;
  } catch (error) {
    throw badUsage(error instanceof Error ? error.message : String(error));
  }
}

function badUsage(what: string): FaultError {
  const fault: Fault = { code: "bad-usage", what, fix: USAGE };
  return new FaultError(fault);
}

if (import.meta.main) await load(process.argv.slice(2));
