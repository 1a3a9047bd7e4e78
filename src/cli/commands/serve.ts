import { setTimeout as delay } from "node:timers/promises";
import { once } from "node:events";
import type { Plan } from "../../core/plan/plan.ts";
import { type Fault, FaultError } from "../../core/fault.ts";
import { type CommandDefinition, textOption } from "../definition.ts";
import type { Context } from "../context.ts";
import { DONE } from "../exit-code.ts";
import { loadPlan } from "../plan-file.ts";
import { type Acting, actHere, openReading, readRelease } from "../session.ts";
import type { Project } from "../project.ts";
import { wrap } from "../render/text.ts";
import { lockHolder } from "../../local/lock-holder.ts";
import { onInterrupt } from "../signals.ts";
import { eventLine } from "../render/event-line.ts";
import { eventJson } from "../render/event-json.ts";
import { evolve } from "../../core/release/evolve.ts";
import { type Release } from "../../core/release/release.ts";

export const serve: CommandDefinition = {
  about:
    "Runs the engine for as long as this process lives: carries out what `tidegate release --detach` hands it, goes on with what was left by a crash, watches sign-offs of later days, and checks the app's health outside releases. Other commands reach it over a socket in the state folder.",
  arguments: [],
  options: [
    {
      flags: "--listen <address>",
      about: "also answer /health/live and /health/ready on this address of the loopback",
    },
  ],
  examples: [
    { line: "tidegate serve", does: "acts until Ctrl-C or SIGTERM; what runs goes on running after it" },
    { line: "tidegate serve --listen 127.0.0.1:9400", does: "with health routes for a monitor" },
  ],
  run: async (invocation) => {
    const { context } = invocation;
    using interruption = onInterrupt();
    for (let isAgain = false; ; isAgain = true) {
      const session = await becomeActor(context, interruption.signal, isAgain);
      if (session === null) return DONE;
      const fenced = await act(context, session, textOption(invocation, "listen"), interruption.signal);
      if (fenced === null) return DONE;
      say(context, { type: "fenced", sentence: fenced.what });
    }
  },
};

/** Until it is told to stop, or until somebody else with a higher epoch acts: then why. */
async function act(
  context: Context,
  session: Acting,
  listen: string | undefined,
  signal: AbortSignal,
): Promise<Fault | null> {
  await using acting = session;
  const { serveHealth } = await import("../../server/health.ts");
  const server = listen === undefined ? null : await serveHealth(listen, acting.engine);
  try {
    say(context, {
      type: "serving",
      sentence: `Acts on ${context.project().environment}, as process ${process.pid}.${listen === undefined ? "" : ` Health on ${listen}.`}`,
    });
    using _log = logChanges(context, acting);
    const stopped = signal.aborted ? Promise.resolve() : once(signal, "abort");
    const fenced = await Promise.race([acting.engine.untilFenced, stopped.then(() => null)]);
    if (fenced === null) say(context, { type: "stopping", sentence: "Stops acting; what runs goes on running." });
    return fenced;
  } finally {
    server?.close();
    server?.closeAllConnections();
  }
}

/**
 * Waits where another process acts: a foreground release ends, and then this one goes on. One that acted before waits
 * for its journal too. null: told to stop.
 */
async function becomeActor(context: Context, signal: AbortSignal, isAgain: boolean): Promise<Acting | null> {
  const project = context.project();
  let said = "";
  const wait = async (sentence: string): Promise<void> => {
    if (sentence !== said) say(context, { type: "waiting", sentence });
    said = sentence;
    await delay(1_000, undefined, { signal }).catch(() => undefined);
  };
  while (!signal.aborted) {
    try {
      const acting = await actHere(context, project, await planToServe(context), { kind: "serve", patrol: true });
      if (acting !== null) return acting;
      await wait(`${whoActs(project)}: waits until it ends, then acts itself.`);
    } catch (error) {
      if (!isAgain || !(error instanceof FaultError) || error.fault.code !== "journal-unavailable") throw error;
      await wait(`${error.fault.what} Waits until it can.`);
    }
  }
  return null;
}

function whoActs({ state }: Project): string {
  const holder = lockHolder(state.file("actor.lock"));
  if (holder === null) return "Another tidegate acts on this app";
  return `Process ${holder.pid} (${holder.command}) acts on this app${holder.isStopped ? ", and is stopped" : ""}`;
}

/** Of the plan file; where that can't be read, of the newest release: what runs must not wait for a typing mistake. */
async function planToServe(context: Context): Promise<Plan> {
  const project = context.project();
  try {
    return (await loadPlan(context, project)).plan;
  } catch (error) {
    await using reading = await openReading(context, project);
    const [newest] = (await reading?.journal.releases()) ?? [];
    const release = reading === null || newest === undefined ? null : await readRelease(reading.journal, newest);
    if (release === null) throw error;
    return release.plan;
  }
}

/** Releases further back than this have ended long ago. */
const LOOK_BACK = 10;

/** What happens to any release, a line each: what a service manager's log keeps. */
function logChanges(context: Context, { journal, engine }: Acting): Disposable {
  const seen = new Map<number, { release: Release | null; seq: number }>();
  let turn = Promise.resolve();
  const show = async (id: number): Promise<void> => {
    const at = seen.get(id) ?? { release: null, seq: 0 };
    const isNew = !seen.has(id);
    for (const stored of await journal.read(id, at.seq + 1)) {
      const before = at.release;
      at.release = evolve(before, stored);
      at.seq = stored.seq;
      const isOld = isNew && stored.epoch < engine.epoch;
      if (isOld) continue;
      const document = context.json ? eventJson(stored, at.release) : null;
      const line = context.json ? null : eventLine(stored.event, at.release, before, context.terminal.style());
      if (document !== null) context.terminal.print(JSON.stringify(document));
      if (line !== null)
        context.terminal.print(
          fitted(context.terminal, `${new Date(stored.at.wall).toISOString()} release ${id}: ${line}`),
        );
    }
    seen.set(id, at);
  };
  const changed = (id: number): void => {
    turn = turn.then(() => show(id)).catch(() => undefined);
  };
  const stop = engine.onChange(changed);
  // What it took over when it began, before anybody could listen.
  void engine.releases().then(
    (ids) => ids.slice(0, LOOK_BACK).forEach(changed),
    () => undefined,
  );
  return { [Symbol.dispose]: stop };
}

function say(
  { json, terminal }: Context,
  { type, sentence }: { readonly type: string; readonly sentence: string },
): void {
  terminal.print(json ? JSON.stringify({ type, sentence }) : fitted(terminal, sentence));
}

/** In a window lines end between words; a log gets each whole. */
function fitted(terminal: Context["terminal"], line: string): string {
  return terminal.output.isTTY ? wrap(line, terminal.style().width, "  ").join("\n") : line;
}
