import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type Fault, FaultError } from "../core/fault.ts";
import type { Plan } from "../core/plan/plan.ts";
import { evolve, replay } from "../core/release/evolve.ts";
import { type Release } from "../core/release/release.ts";
import { type Status, statusOf } from "../core/status/status.ts";
import type { EngineIdentity, RemoteEngine } from "../server/engine-socket.ts";
import type { Engine, RequestAnswer, RequestBody } from "../engine/api.ts";
import { type LockHolder, lockHolder } from "../local/lock-holder.ts";
import type { StateFolder } from "../local/state-folder.ts";
import { checkStateFolder } from "../local/state-folder-check.ts";
import type { Journal } from "../ports/journal.ts";
import { lateEvents } from "../core/release/emergency.ts";
import type { Context } from "./context.ts";
import type { Project } from "./project.ts";
import { untoldEmergencies } from "./untold.ts";

/** One way to whoever acts: an engine in this process, one in another, or nobody (then the journal alone answers). */
export interface Session extends AsyncDisposable {
  readonly journal: Journal;
  /** `here`: this process; null: nobody acts, or nobody any more. */
  actor(): EngineIdentity | "here" | null;
  /** Live figures where somebody acts; null for a release that does not exist. */
  status(release: number): Promise<Status | null>;
  /** Writes the request down and waits for the answer. Faults: nobody-acts, engine-gone. */
  ask(body: RequestBody, release: number | null): Promise<RequestAnswer>;
  /** Why the engine of this process acts no more; null while it does, or where another process acts. */
  fenced(): Fault | null;
  /** Finds whoever acts now, and acts itself where nobody does. Absent where this process only looks. */
  readonly takeOver?: () => Promise<void>;
}

/** How long whoever acts may take to answer; making room for a release drains and stops another one first. */
const ANSWER_MS = 15 * 60_000;
const LOOK_FOR_ANSWER_MS = 20;
const POKE_EVERY = 50;
/** How long one that has the lock may take until its socket answers. */
const APPEAR_MS = 10_000;

/** Looks without acting. null: nothing was ever released here. */
export async function openReading(context: Context, project: Project): Promise<Session | null> {
  checkStateFolder(project.state);
  if (!hasJournal(project.state)) return null;
  const journal = await context.machinery.openJournal(project.state);
  return overJournal(context, journal, await reach(project.state));
}

/**
 * Asks whoever acts, or acts itself; goes on itself when whoever acted is gone before it has answered. `plan`: of what
 * runs, or of what is to be released.
 */
export async function openActing(context: Context, project: Project, plan: Plan): Promise<Session> {
  let session = await findActor(context, project, plan);
  const takeOver = async (): Promise<void> => {
    const before = session;
    const fenced = before.fenced();
    if (fenced === null) {
      session = await findActor(context, project, plan);
      await before[Symbol.asyncDispose]();
      return;
    }
    // In another journal nobody would find what this one has asked or shown.
    if (fenced.code === "journal-gone") throw new FaultError(fenced);
    context.terminal.complain(`${fenced.what} It begins anew here, with what is left to do.`);
    // Its socket would still answer for an engine that acts no more.
    await before[Symbol.asyncDispose]();
    session = await findActor(context, project, plan).catch((error: unknown) => {
      throw notAnew(error);
    });
  };
  return {
    get journal() {
      return session.journal;
    },
    actor: () => session.actor(),
    fenced: () => session.fenced(),
    status: (release) => session.status(release),
    // The journal keeps the request, so that it outlives whoever was to answer it.
    ask: async (body, release) => {
      const request = await session.journal.ask({ release, body, by: context.person, at: Date.now() });
      return await answerTo(
        request,
        () => session.journal,
        () => session.poke().catch(takeOver),
      );
    },
    takeOver,
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

/** What is left to do waits for whoever acts next. */
function notAnew(error: unknown): unknown {
  if (!(error instanceof FaultError) || error.fault.code !== "journal-unavailable") return error;
  const { fault } = error;
  // What is to be done again is not what was typed, but what is left of it.
  const fix = `${fault.fix?.replace(", then do it again", "") ?? ""}\nthen: tidegate attach`.trim();
  return new FaultError({ ...fault, what: `It can't begin anew. ${fault.what}`, fix }, { cause: error });
}

/** A way to whoever acts that can be told to look for new requests. */
type Asking = Session & { poke(): Promise<void> };

async function findActor(context: Context, project: Project, plan: Plan): Promise<Asking> {
  for (const until = performance.now() + APPEAR_MS; ; await delay(500)) {
    const remote = await reach(project.state);
    if (remote !== null) return overJournal(context, await context.machinery.openJournal(project.state), remote);
    const here = await actHere(context, project, plan, { kind: "foreground", patrol: false });
    if (here !== null) return { ...here, poke: () => pokeHere(here.engine) };
    // One that was stopped (Ctrl-Z, SIGSTOP) keeps the lock for as long as nobody wakes or ends it.
    const holder = lockHolder(project.state.file("actor.lock"));
    if (holder?.isStopped === true || performance.now() > until) throw silentActor(project, holder);
  }
}

function pokeHere(engine: Engine): Promise<void> {
  if (engine.fenced() !== null) return Promise.reject(engineGone());
  engine.poke();
  return Promise.resolve();
}

export interface Acting extends Session {
  readonly engine: Engine;
}

/** Takes the right to act; null while another process has it. */
export async function actHere(
  context: Context,
  project: Project,
  plan: Plan,
  { kind, patrol }: { readonly kind: EngineIdentity["kind"]; readonly patrol: boolean },
): Promise<Acting | null> {
  const [{ createEngine }, { serveEngine }, { mustBePlaceOf }] = await Promise.all([
    import("../engine/engine.ts"),
    import("../server/engine-socket.ts"),
    import("../engine/whose-place.ts"),
  ]);
  await using opening = new AsyncDisposableStack();
  const assembly = opening.use(
    await context.machinery.assemble({
      project,
      plan,
      env: context.env,
      say: (line) => context.terminal.complain(line),
      isFollowed: kind === "foreground",
    }),
  );
  await mustBePlaceOf(assembly.ports, plan);
  const start = await createEngine(assembly.ports, { ...assembly.options, patrol });
  if (start.kind === "another-acts") return null;
  const engine = opening.use(start.engine);
  const identity: EngineIdentity = {
    pid: process.pid,
    kind,
    epoch: engine.epoch,
    startedAtMs: Date.now(),
    version: context.machinery.version,
  };
  const server = await serveEngine(engine, identity, project.state);
  opening.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  const opened = opening.move();
  acting += 1;
  return {
    engine,
    journal: assembly.ports.journal,
    actor: () => (engine.fenced() === null ? "here" : null),
    fenced: () => engine.fenced(),
    status: (release) => engine.status(release),
    ask: (body, release) => engine.ask(body, release, context.person),
    [Symbol.asyncDispose]: async () => {
      acting -= 1;
      await opened.disposeAsync();
    },
  };
}

let acting = 0;

/** Whether an engine acts in this process: then a reader of its output that goes away must not end it. */
export function isActing(): boolean {
  return acting > 0;
}

function overJournal(context: Context, journal: Journal, remote: RemoteEngine | null): Asking {
  let isGone = remote === null;
  return {
    journal,
    actor: () => (isGone || remote === null ? null : remote.identity),
    fenced: () => null,
    status: async (id) => {
      // One that acts no more leaves the journal, which still says where things stand.
      const live = isGone ? null : await remote?.status(id).catch(() => undefined);
      if (live === undefined) isGone = true;
      return live ?? journalStatus(await withUntold(context, await readRelease(journal, id)));
    },
    poke: async () => await remote?.poke(),
    ask: async (body, release) => {
      if (remote === null) throw nobodyActs();
      const request = await journal.ask({ release, body, by: context.person, at: Date.now() });
      return await answerTo(
        request,
        () => journal,
        () => remote.poke().catch(() => Promise.reject(engineGone())),
      );
    },
    [Symbol.asyncDispose]: () => journal[Symbol.asyncDispose](),
  };
}

export async function readRelease(journal: Journal, id: number): Promise<Release | null> {
  return replay(await journal.read(id));
}

/** As its journal will tell it once an engine has noted what was done without one: where traffic is must not wait for that. */
async function withUntold(context: Context, release: Release | null): Promise<Release | null> {
  if (release === null) return null;
  return (await untoldEmergencies(context, release)).reduce((known, emergency) => {
    const at = { wall: emergency.at, watched: known.lastAt.watched };
    return lateEvents(known, emergency).reduce((state, event) => evolve(state, { event, at }), known);
  }, release);
}

export function journalStatus(release: Release | null): Status | null {
  return release === null
    ? null
    : statusOf(release, { wall: Date.now(), watched: release.lastAt.watched }, null, "nobody");
}

/** Waits for the answer; now and then makes sure that somebody is there to give it. Faults: engine-gone. */
async function answerTo(request: number, journal: () => Journal, poke: () => Promise<void>): Promise<RequestAnswer> {
  const until = performance.now() + ANSWER_MS;
  for (let looks = 0; performance.now() < until; looks += 1) {
    if (looks % POKE_EVERY === 0) await poke();
    const answer = (await journal().answerTo(request)) as RequestAnswer | null;
    if (answer !== null) return answer;
    await delay(LOOK_FOR_ANSWER_MS);
  }
  throw engineGone();
}

export async function reach(state: StateFolder): Promise<RemoteEngine | null> {
  const { ENGINE_SOCKET } = await import("../server/engine-socket.ts");
  if (!existsSync(state.socket(ENGINE_SOCKET))) return null;
  const { reachEngine } = await import("../server/engine-socket.ts");
  return reachEngine(state);
}

export function hasJournal(state: StateFolder): boolean {
  return existsSync(state.file("journal.db"));
}

function nobodyActs(): FaultError {
  return new FaultError({
    code: "nobody-acts",
    what: "Nobody acts on this app now, so nobody can be asked.",
    fix: "tidegate serve, or tidegate attach for the release that runs",
  });
}

function engineGone(): FaultError {
  return new FaultError({
    code: "engine-gone",
    what: "The engine that was asked does not answer any more. The request is in the journal, and whoever acts next carries it out.",
    fix: "tidegate attach",
  });
}

function silentActor(project: Project, holder: LockHolder | null): FaultError {
  const trafficFirst = "traffic back to stable, whoever acts: tidegate rollback --now";
  if (holder === null) {
    return new FaultError({
      code: "another-acts",
      what: "Another Tidegate acts on this app, but does not answer.",
      where: project.state.path,
      fix: `look for a stopped \`tidegate release\` or \`tidegate serve\` of this folder, and end it\n${trafficFirst}`,
    });
  }
  const { pid, command, isStopped } = holder;
  const wake = isStopped ? `let it go on: kill -CONT ${pid}\n` : "";
  return new FaultError({
    code: "another-acts",
    what: `Process ${pid} acts on this app and ${isStopped ? "is stopped (SIGSTOP, Ctrl-Z), so it answers nobody" : "does not answer"}.`,
    where: `${command}, in ${project.state.path}`,
    fix: `${wake}end it: kill -9 ${pid} ; then: tidegate attach\n${trafficFirst}`,
  });
}
