import { readFileSync } from "node:fs";
import { getAsset, isSea } from "node:sea";
import { createContext } from "./cli/context.ts";
import type { Machinery } from "./cli/machinery.ts";
import { runCli, tellMistake } from "./cli/run.ts";
import { FaultError, faultOf } from "./core/fault.ts";
import type { Listener } from "./core/traffic/routing.ts";
import { ownCommand } from "./local/own-program.ts";

/** Starts the command line with everything it may need; the process ends with its exit code. */
export async function start(): Promise<void> {
  // node:sqlite is called experimental, which no user can do anything about.
  silenceExperimentalWarnings();
  // A reader that closes early (`tidegate status | head -1`) is no mistake.
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      void endUnlessActing();
    });
  const around = machinery();
  process.on("uncaughtException", (error) => process.exit(tellMistake(createContext(around, NO_OPTIONS), error)));
  // Nothing is left to wait for, and the command has not come to its end: whoever called it must not take that for success.
  const stranded = (): void => {
    process.exitCode = tellMistake(
      createContext(around, NO_OPTIONS),
      new Error("it waits for nothing, and is not done"),
    );
  };
  process.once("beforeExit", stranded);
  process.exitCode = await runCli(process.argv.slice(2), around);
  process.off("beforeExit", stranded);
  // Whatever still keeps the process (a socket that is slow to close) must not keep the user; output has left by then.
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

/** A reader of the output that has gone ends what only shows; an engine goes on with its release unseen. */
async function endUnlessActing(): Promise<void> {
  const { isActing } = await import("./cli/session.ts");
  if (!isActing()) process.exit(process.exitCode ?? 0);
}

const LINGER_MS = 2_000;
const NO_OPTIONS = { json: false, color: true };

function machinery(): Machinery {
  const self = ownCommand();
  const version = readVersion();
  return {
    version,
    self,
    openJournal: async (state) => (await import("./wiring/journal.ts")).openJournal(state),
    assemble: async (order) => (await import("./wiring/assemble.ts")).assemble(order, self),
    outside: async (order) => (await import("./wiring/outside.ts")).outside(order, self),
    notifier: async (plan, say) => (await import("./wiring/outside-releases.ts")).notifierOf(plan, process.env, say),
    healthProbe: async (plan) => (await import("./wiring/outside-releases.ts")).healthProbe(plan, process.env),
    backups: async (place) => (await import("./wiring/database.ts")).backupsOf(place),
    versionFiles: async (order) => (await import("./wiring/outside-releases.ts")).versionFiles(order),
    migrations: async (place, order) => (await import("./wiring/database.ts")).migrationsOf(place, order),
    rehearsalCopies: async (place, state, copyPlace) =>
      (await import("./wiring/rehearsal.ts")).rehearsalCopies(place, state, copyPlace),
    projectToRehearse: async (place) => (await import("./wiring/rehearsed-project.ts")).projectToRehearse(place),
    startRehearsedServer: async (place, signal) =>
      (await import("./wiring/rehearsed-project.ts")).startRehearsedServer(place, signal),
    removeRehearsed: async (state, id) => (await import("./wiring/rehearsed-project.ts")).removeRehearsed(state, id),
    removeVersions: async (state, folder) => (await import("./wiring/rehearsal.ts")).removeVersions(state, folder),
    emergencyExit: async (state) => (await import("./wiring/emergency-exit.ts")).emergencyExit(state, self),
    runningInstances: async (state, of) => (await import("./wiring/instances.ts")).runningInstances(state, of),
    stopEverything: async (state) => (await import("./wiring/keeper.ts")).stopEverything(state, self),
    stopInstances: async (state, ids) => (await import("./wiring/instances.ts")).stopInstances(state, ids, self),
    isKeeperThere: async (state) => (await import("./wiring/keeper.ts")).isKeeperThere(state),
    portsOfSystemd: async (state) => (await import("./wiring/keeper.ts")).portsOfSystemd(state),
    restartProxy: async (state, within) => (await import("./wiring/data-plane.ts")).restartProxy(state, within, self),
    dataPlane: async (state) => (await import("./wiring/data-plane.ts")).dataPlane(state),
    haproxy: async () => (await import("./wiring/haproxy-tools.ts")).haproxyTools(),
    runDemo: async (order) => (await import("./demo/run-demo.ts")).runDemo(order),
    runKeeper: async (state, takeOver) =>
      (await import("./keeper/main.ts")).runKeeper({
        stateDir: state.path,
        version,
        takeOver: takeOver ? "any" : "older",
      }),
    restartKeeper: async (state) => (await import("./wiring/keeper.ts")).restartKeeper(state, self),
    runProxy: async (state, listen) => {
      const { runProxy } = await import("./proxy/main.ts");
      await runProxy({ stateDir: state.path, listeners: listen.map(listenerOf) }).catch(tellKeeper);
    },
  };
}

/** `127.0.0.1:8080`, or a port of the loopback. */
function listenerOf(address: string): Listener {
  const match = /^(?:(?:\[([^\]]+)\]|([^:]+)):)?(\d{1,5})$/.exec(address);
  const port = Number(match?.[3] ?? Number.NaN);
  if (port <= 65_535) return { host: match?.[1] ?? match?.[2] ?? "127.0.0.1", port };
  throw new FaultError({
    code: "usage",
    what: `"${address}" is no address.`,
    fix: "give host:port, for example 127.0.0.1:8080",
  });
}

/** A keeper that started this data plane hands the reason on to whoever waits for it. */
async function tellKeeper(error: unknown): Promise<never> {
  const fault = faultOf(error, "proxy-failed", "The proxy could not start.");
  await new Promise<void>((resolve) => {
    if (process.send === undefined) resolve();
    else process.send({ type: "failed", fault }, undefined, undefined, () => resolve());
  });
  throw error;
}

function readVersion(): string {
  // Beside src/ in the repository and beside dist/ in the package.
  const text = isSea()
    ? getAsset("package.json", "utf8")
    : readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

function silenceExperimentalWarnings(): void {
  const show = process.listeners("warning");
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (warning.name !== "ExperimentalWarning") for (const listener of show) listener(warning);
  });
}
