import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type {
  AppAndEnvironment,
  Assembly,
  AssemblyOrder,
  HaproxyTools,
  KeeperRestarted,
  LeaveWithin,
  Outside,
  ProxyRestarted,
} from "./cli/machinery.ts";
import type { KeeperStart } from "./adapters/runtime/processes/ensure-keeper.ts";
import { FaultError } from "./core/fault.ts";
import type { InstanceSeen } from "./core/observation.ts";
import { type ComposeProject, type HaproxyPlan, isOfKind, type Plan } from "./core/plan/plan.ts";
import type { TrafficState } from "./core/traffic/routing.ts";
import { secretsOf } from "./core/plan/secrets.ts";
import { EPOCH_HEADER, KEEPER_SOCKET, type KeeperState } from "./keeper/protocol.ts";
import { writeFileAtomically } from "./local/atomic-file.ts";
import { callControl, isAnswered } from "./local/control-socket.ts";
import { PROXY_SOCKET } from "./proxy/protocol.ts";
import { makeFolder } from "./local/make-folder.ts";
import { identify, isSameProcess, type ProcessIdentity } from "./local/process-identity.ts";
import { createStateFolder, type StateFolder } from "./local/state-folder.ts";
import type { EmergencyExit } from "./ports/emergency-exit.ts";
import { checkStateFolder } from "./local/state-folder-check.ts";
import type { HealthProbe } from "./ports/health.ts";
import type { Journal } from "./ports/journal.ts";
import type { Notice } from "./ports/notice.ts";
import type { Notifier, ReceiverCheck } from "./ports/notifier.ts";
import type { Runtime } from "./ports/runtime.ts";
import type { Traffic } from "./ports/traffic.ts";

/** The keeper starts the data plane before it answers, and that may adopt an old one first. */
const PROXY_STARTS_WITHIN_MS = 30_000;
const KEEPER_ENDS_WITHIN_MS = 5_000;

/**
 * Everything that an engine works with, for one app and environment. `self` starts this program again. Adapters are
 * imported where they are needed: `status` must not wait for those that only a release uses.
 */
export async function assemble(order: AssemblyOrder, self: readonly string[]): Promise<Assembly> {
  const { project, plan, env } = order;
  const [
    { createShellRunner },
    { createNotifier },
    { createEvidenceGatherer },
    tasks,
    { systemClock: clock },
    { createEmergencyLog },
  ] = await Promise.all([
    import("./adapters/command/shell.ts"),
    import("./adapters/notify/notifier.ts"),
    import("./adapters/evidence/gather.ts"),
    taskAdapters(),
    import("./adapters/clock/system.ts"),
    import("./adapters/emergency/file.ts"),
  ]);
  checkStateFolder(project.state);
  createStateFolder(project.state);
  keepOutOfGit(project.state);
  const secrets = secretsOf(env);
  secrets.meet(plan);
  const { redact } = secrets;
  const values = (): Readonly<Record<string, string>> => defined(env);
  let hasStartedKeeper = false;
  const { runtime, traffic, health, metrics } = await outside(order, self, redact, () => (hasStartedKeeper = true));
  const commands = createShellRunner({ directory: project.folder, redact, env });
  const settings = { commands, clock, redact, values };
  const notifier = createNotifier({ clock, redact, values, terminal: (line) => order.say(redact(line)) });
  const journal = await openJournal(project.state);
  return {
    ports: {
      clock,
      journal,
      traffic,
      runtime,
      health,
      smoke: tasks.createSmokeRunner(settings),
      warmer: tasks.createWarmer(settings),
      checker: tasks.createChecker({ directory: project.folder, ...settings }),
      commands,
      metrics,
      notifier: quieter(notifier, order.isFollowed),
      evidence: createEvidenceGatherer({ runtime, clock, redact }),
      emergencies: createEmergencyLog(project.state),
    },
    options: { engineToken: await engineToken(project.state), secrets: secrets.values, meet: secrets.meet },
    [Symbol.asyncDispose]: async () => {
      await journal[Symbol.asyncDispose]();
      if (!hasStartedKeeper) return;
      const { endIdleKeeper } = await import("./adapters/runtime/processes/ensure-keeper.ts");
      await endIdleKeeper(project.state);
    },
  };
}

async function taskAdapters() {
  const [smoke, warm, check] = await Promise.all([
    import("./adapters/smoke/http.ts"),
    import("./adapters/warm/http.ts"),
    import("./adapters/check/checker.ts"),
  ]);
  return { ...smoke, ...warm, ...check };
}

/** Who looks at a release sees what happens to it; the terminal need not be told twice. */
function quieter(notifier: Notifier, isFollowed: boolean): Notifier {
  if (!isFollowed) return notifier;
  return {
    ...notifier,
    deliver: async (message, target, context, signal) => {
      if (target.kind === "terminal" && message.topic !== "announcement") return;
      return notifier.deliver(message, target, context, signal);
    },
  };
}

/** What looks at the outside without changing it. */
export async function outside(
  { project, plan, env }: AssemblyOrder,
  self: readonly string[],
  redact = redactorOf(plan, env),
  onKeeperStarted?: () => void,
): Promise<Outside> {
  const [{ createHealthProbe }, { systemClock }, { createMetrics }] = await Promise.all([
    import("./adapters/health/http.ts"),
    import("./adapters/clock/system.ts"),
    import("./adapters/metrics/metrics.ts"),
  ]);
  const { state } = project;
  const keeperCommand = [...self, "keeper", "--state", state.path];
  const fenced = withEpoch(await runtimeOf({ project, plan, env }, keeperCommand, onKeeperStarted));
  const start = {
    folder: state,
    keeperCommand,
    ...(onKeeperStarted === undefined ? {} : { onStarted: onKeeperStarted }),
  };
  const { haproxy } = plan.traffic;
  return {
    runtime: fenced.runtime,
    traffic:
      haproxy === undefined
        ? await embeddedTraffic(start, plan, fenced.epoch)
        : await haproxyTraffic(state, plan, haproxy),
    health: createHealthProbe({ clock: systemClock, redact }),
    metrics: createMetrics({
      clock: systemClock,
      redact,
      values: () => defined(env),
      directory: project.folder,
      env,
      runtime: fenced.runtime,
    }),
    notices: () => noticesOf({ project, plan, env }),
  };
}

async function noticesOf({
  project,
  plan,
  env,
}: Pick<AssemblyOrder, "project" | "plan" | "env">): Promise<readonly Notice[]> {
  const [service] = plan.services.filter(isOfKind("compose"));
  if (service === undefined) return [];
  const { surveyCompose } = await import("./adapters/runtime/compose/survey.ts");
  const frontPorts = plan.traffic.listen.map(({ port }) => port);
  const { services } = plan;
  return surveyCompose({ services, project: service.runtime.project, planFolder: project.folder, env, frontPorts });
}

/** Processes, and containers where the plan has any or something of an earlier one may still run. */
async function runtimeOf(
  { project, plan, env }: Pick<AssemblyOrder, "project" | "plan" | "env">,
  keeperCommand: readonly string[],
  onStarted?: () => void,
): Promise<Runtime> {
  const { app, environment, services } = plan;
  const { state: folder, folder: planFolder } = project;
  const { createProcessRuntime } = await import("./adapters/runtime/processes/runtime.ts");
  const shared = { app, environment, services, planFolder, folder, env };
  const process = createProcessRuntime({ ...shared, keeperCommand, ...(onStarted === undefined ? {} : { onStarted }) });
  const engine = await composeProjectOf(plan, folder);
  if (engine === null) return process;
  const [{ createComposeRuntime }, { runtimeByKind }] = await Promise.all([
    import("./adapters/runtime/compose/runtime.ts"),
    import("./adapters/runtime/by-kind.ts"),
  ]);
  return runtimeByKind({ process, compose: createComposeRuntime({ ...shared, project: engine, versions: process }) });
}

async function composeProjectOf(
  { app, environment, services }: Plan,
  state: StateFolder,
): Promise<ComposeProject | null> {
  const [service] = services.filter(isOfKind("compose"));
  if (service !== undefined) return service.runtime.project;
  const { readEngines } = await import("./adapters/runtime/compose/engine-record.ts");
  const earlier = readEngines(state).find(({ places }) =>
    places.some((place) => place.app === app && place.environment === environment),
  );
  return earlier === undefined ? null : { files: [], profiles: [], set: {}, host: earlier.address.host };
}

/** The keeper refuses a stale engine's data plane too, so it has to be told which engine asks. */
function withEpoch(runtime: Runtime): { readonly runtime: Runtime; readonly epoch: () => number | null } {
  let epoch: number | null = null;
  const claim = async (next: number): Promise<void> => {
    epoch = next;
    await runtime.claim(next);
  };
  return { runtime: { ...runtime, claim }, epoch: () => epoch };
}

async function embeddedTraffic(start: KeeperStart, plan: Plan, epoch: () => number | null): Promise<Traffic> {
  const { folder } = start;
  const [{ createEmbeddedTraffic }, { ensureKeeper }, { forgetHaproxy }] = await Promise.all([
    import("./adapters/traffic/embedded.ts"),
    import("./adapters/runtime/processes/ensure-keeper.ts"),
    import("./adapters/traffic/haproxy/remembered.ts"),
  ]);
  return createEmbeddedTraffic({
    folder,
    startProxy: async (listeners, timeouts = plan.traffic.timeouts) => {
      await ensureKeeper(start);
      forgetHaproxy(folder);
      const claimed = epoch();
      await callControl(folder.socket(KEEPER_SOCKET), "/proxy", {
        method: "PUT",
        body: { listeners, timeouts },
        timeoutMs: PROXY_STARTS_WITHIN_MS,
        ...(claimed === null ? {} : { headers: { [EPOCH_HEADER]: String(claimed) } }),
      });
    },
  });
}

async function haproxyTraffic(folder: StateFolder, plan: Plan, haproxy: HaproxyPlan): Promise<Traffic> {
  const [{ createHaproxyTraffic }, { rememberHaproxy }, { fragmentOf }] = await Promise.all([
    import("./adapters/traffic/haproxy/traffic.ts"),
    import("./adapters/traffic/haproxy/remembered.ts"),
    import("./adapters/traffic/haproxy/fragment.ts"),
  ]);
  const { app, environment } = plan;
  return createHaproxyTraffic({
    app,
    environment,
    haproxy,
    digest: fragmentOf(plan, haproxy).digest,
    onReady: () => rememberHaproxy(folder, { app, environment, haproxy }),
  });
}

export async function haproxyTools(): Promise<HaproxyTools> {
  const [{ fragmentOf }, { withFragment }, file, { lookAtHaproxy }] = await Promise.all([
    import("./adapters/traffic/haproxy/fragment.ts"),
    import("./adapters/traffic/haproxy/edit.ts"),
    import("./adapters/traffic/haproxy/configuration-file.ts"),
    import("./adapters/traffic/haproxy/findings.ts"),
  ]);
  const planned = ({ traffic: { haproxy } }: Plan): HaproxyPlan => {
    if (haproxy !== undefined) return haproxy;
    throw new FaultError({
      code: "no-haproxy",
      what: "This plan's traffic is not divided by HAProxy.",
      fix: "write `traffic: { haproxy: /run/haproxy/admin.sock }` into the plan file",
    });
  };
  return {
    fragment: (plan) => fragmentOf(plan, planned(plan)),
    read: file.readConfiguration,
    edited: (text, plan, at) => withFragment(text, plan, planned(plan), at),
    check: (text, plan) => file.checkConfiguration(text, plan, planned(plan)),
    write: (path, text, plan) => file.writeConfiguration(path, text, plan, planned(plan)),
    look: (plan) => lookAtHaproxy(plan, planned(plan), Date.now),
  };
}

/** Long for a data plane that lives, short for somebody who waits for it. */
const EMERGENCY_ANSWER_MS = 1_500;

/** What `rollback --now` works with: no engine, no plan, no journal, and nothing that is made or started. */
export async function emergencyExit(state: StateFolder, self: readonly string[]): Promise<EmergencyExit> {
  const [plane, keeper, journal, log, health, clock] = await Promise.all([
    emergencyPlane(state, self),
    import("./adapters/runtime/processes/keeper-epoch.ts"),
    import("./adapters/journal/read-epoch.ts"),
    import("./adapters/emergency/file.ts"),
    import("./adapters/health/http.ts"),
    import("./adapters/clock/system.ts"),
  ]);
  return {
    clock: clock.systemClock,
    ...plane,
    health: health.createHealthProbe({ clock: clock.systemClock, redact: (text) => text }),
    log: log.createEmergencyLog(state),
    others: [
      keeper.keeperEpoch(state),
      { name: "the journal", epoch: async () => journal.readEpoch(state.file("journal.db")) },
    ],
  };
}

/** The data plane of a state folder, for who has no plan. */
async function emergencyPlane(
  state: StateFolder,
  self: readonly string[],
): Promise<Pick<EmergencyExit, "traffic" | "lastResort">> {
  const { rememberedHaproxy } = await import("./adapters/traffic/haproxy/remembered.ts");
  const remembered = rememberedHaproxy(state);
  if (remembered !== null) {
    const [{ createHaproxyTraffic }, { createHaproxyLastResort }] = await Promise.all([
      import("./adapters/traffic/haproxy/traffic.ts"),
      import("./adapters/traffic/haproxy/last-resort.ts"),
    ]);
    return {
      traffic: createHaproxyTraffic({ ...remembered, answerMs: EMERGENCY_ANSWER_MS }),
      lastResort: createHaproxyLastResort(remembered),
    };
  }
  const [{ createEmbeddedTraffic }, { createEmbeddedLastResort }] = await Promise.all([
    import("./adapters/traffic/embedded.ts"),
    import("./adapters/traffic/embedded-last-resort.ts"),
  ]);
  const startKeeper = async (): Promise<void> => {
    const { ensureKeeper } = await import("./adapters/runtime/processes/ensure-keeper.ts");
    await ensureKeeper({ folder: state, keeperCommand: [...self, "keeper", "--state", state.path] });
  };
  return {
    traffic: createEmbeddedTraffic({ folder: state, startProxy: startKeeper, answerMs: EMERGENCY_ANSWER_MS }),
    lastResort: createEmbeddedLastResort({ folder: state, startKeeper }),
  };
}

export async function openJournal(state: StateFolder): Promise<Journal> {
  const { openSqliteJournal } = await import("./adapters/journal/sqlite.ts");
  return openSqliteJournal(state);
}

export async function stopEverything(state: StateFolder, self: readonly string[]): Promise<boolean> {
  const [{ stopKeeper }, { leaveHaproxy }] = await Promise.all([
    import("./adapters/runtime/processes/ensure-keeper.ts"),
    import("./adapters/traffic/haproxy/leave.ts"),
  ]);
  await leaveHaproxy(state);
  await stopContainers(state, null);
  const keeper = await keeperProcess(state);
  const isStopped = await stopKeeper(state, { keeperCommand: [...self, "keeper", "--state", state.path] });
  if (keeper !== null) await untilEnded(keeper);
  return isStopped;
}

/** SIGTERM to SIGKILL, for what no plan says more of. */
const STOP_MS = 10_000;

export async function stopInstances(
  state: StateFolder,
  ids: readonly string[],
  self: readonly string[],
): Promise<void> {
  const stopped = await stopContainers(state, ids);
  const processes = ids.filter((id) => !stopped.includes(id));
  if (processes.length === 0) return;
  const { keeperClient } = await import("./adapters/runtime/processes/keeper-client.ts");
  const keeper = keeperClient({ folder: state, keeperCommand: [...self, "keeper", "--state", state.path] });
  await Promise.all(processes.map((id) => keeper.remove(id, STOP_MS)));
}

/** Answers which of them were containers; none are named: all of them. */
async function stopContainers(state: StateFolder, ids: readonly string[] | null): Promise<readonly string[]> {
  if (!(await hasContainers(state))) return [];
  const { stopKeptContainers } = await import("./adapters/runtime/compose/kept-containers.ts");
  return stopKeptContainers(state, ids, STOP_MS);
}

/** Most have none, and should not wait until what asks a Docker engine is loaded. */
async function hasContainers(state: StateFolder): Promise<boolean> {
  const { readEngines } = await import("./adapters/runtime/compose/engine-record.ts");
  return readEngines(state).length > 0;
}

export async function restartKeeper(state: StateFolder, self: readonly string[]): Promise<KeeperRestarted> {
  const { restartKeeper: restart } = await import("./adapters/runtime/processes/ensure-keeper.ts");
  const keeperCommand = [...self, "keeper", "--state", state.path];
  const { old, now } = await restart({ folder: state, keeperCommand });
  return {
    old: old === null ? null : { pid: old.pid, version: old.version },
    now: { pid: now.pid, version: now.version },
    instances: now.instances.filter(({ state }) => state !== "exited").length,
    holdsSockets: now.proxy === null ? null : now.proxy.holdsSockets,
  };
}

export async function restartProxy(
  state: StateFolder,
  within: LeaveWithin,
  self: readonly string[],
): Promise<ProxyRestarted> {
  const { restartEmbedded } = await import("./adapters/traffic/embedded-restart.ts");
  const { ensureKeeper, isAnythingKept } = await import("./adapters/runtime/processes/ensure-keeper.ts");
  // What a killed keeper left is looked after again first; where nothing was ever started nothing is.
  if (isAnythingKept(state))
    await ensureKeeper({ folder: state, keeperCommand: [...self, "keeper", "--state", state.path] });
  return restartEmbedded(state, within);
}

export async function dataPlane(state: StateFolder): Promise<TrafficState | null> {
  const { rememberedHaproxy } = await import("./adapters/traffic/haproxy/remembered.ts");
  const remembered = rememberedHaproxy(state);
  if (remembered !== null) {
    const { createHaproxyTraffic } = await import("./adapters/traffic/haproxy/traffic.ts");
    return await createHaproxyTraffic(remembered)
      .read()
      .catch(() => null);
  }
  return await callControl<TrafficState>(state.socket(PROXY_SOCKET), "/state", { timeoutMs: 2_000 }).catch(() => null);
}

/** It answers no more a moment before it has ended; who looks at the processes next must not find it. */
async function untilEnded(keeper: ProcessIdentity): Promise<void> {
  for (let leftMs = KEEPER_ENDS_WITHIN_MS; leftMs > 0 && isSameProcess(keeper); leftMs -= 20) await delay(20);
}

async function keeperProcess(state: StateFolder): Promise<ProcessIdentity | null> {
  const socket = state.socket(KEEPER_SOCKET);
  if (!(await isAnswered(socket))) return null;
  return identify((await callControl<KeeperState>(socket, "/state")).pid);
}

/** For a look at instances outside a release. */
export async function healthProbe(plan: Plan, env: AssemblyOrder["env"]): Promise<HealthProbe> {
  const [{ createHealthProbe }, { systemClock }] = await Promise.all([
    import("./adapters/health/http.ts"),
    import("./adapters/clock/system.ts"),
  ]);
  return createHealthProbe({ clock: systemClock, redact: redactorOf(plan, env) });
}

/** Tries each message once. */
export async function notifierOf(
  plan: Plan,
  env: AssemblyOrder["env"],
  say: (line: string) => void,
): Promise<Notifier & ReceiverCheck> {
  const [{ createNotifier }, { systemClock: clock }] = await Promise.all([
    import("./adapters/notify/notifier.ts"),
    import("./adapters/clock/system.ts"),
  ]);
  const redact = redactorOf(plan, env);
  return createNotifier({ clock, redact, values: () => defined(env), tries: 1, terminal: (line) => say(redact(line)) });
}

export function isKeeperThere(state: StateFolder): Promise<boolean> {
  return isAnswered(state.socket(KEEPER_SOCKET));
}

/**
 * What the keeper has, or a killed one has left alive, and what was taken over; null where none of it is.
 * Faults: keeper-record-unreadable.
 */
export async function runningInstances(
  state: StateFolder,
  of: AppAndEnvironment | null,
): Promise<readonly InstanceSeen[] | null> {
  const [{ adoptedInstances }, { instanceSeen }, { leftBehind }] = await Promise.all([
    import("./adapters/runtime/processes/adopted.ts"),
    import("./adapters/runtime/processes/instance-order.ts"),
    import("./keeper/left-behind.ts"),
  ]);
  const containers = (await hasContainers(state))
    ? await import("./adapters/runtime/compose/kept-containers.ts").then(({ keptContainers }) =>
        keptContainers(state, of),
      )
    : [];
  const adopted = of === null ? [] : await adoptedInstances(state).list(of.app, of.environment);
  const kept = (await isKeeperThere(state))
    ? (await callControl<KeeperState>(state.socket(KEEPER_SOCKET), "/state")).instances
    : leftBehind(state);
  const own = [...adopted, ...(kept ?? []).map(instanceSeen), ...containers];
  return kept === null && own.length === 0 ? null : own;
}

function redactorOf(plan: Plan, env: AssemblyOrder["env"]): (text: string) => string {
  const secrets = secretsOf(env);
  secrets.meet(plan);
  return secrets.redact;
}

function defined(env: AssemblyOrder["env"]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Lets Tidegate's own requests choose a version; made once, readable by the owner alone. */
async function engineToken(state: StateFolder): Promise<string> {
  const path = state.file("engine-token");
  try {
    const known = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
    // A full disk or a crash may have left a part of it, which anybody could guess.
    if (/^[0-9a-f]{64}$/.test(known)) return known;
    const made = randomBytes(32).toString("hex");
    await writeFileAtomically(path, `${made}\n`);
    return made;
  } catch (error) {
    throw new FaultError(
      {
        code: "state-not-writable",
        what: "The state folder can't be written.",
        where: path,
        cause: error instanceof Error ? error.message : String(error),
        fix: "tidegate doctor",
      },
      { cause: error },
    );
  }
}

/** The state lies beside the plan file, where `git add .` would find it. */
function keepOutOfGit(state: StateFolder): void {
  const path = state.file(".gitignore");
  if (existsSync(path)) return;
  makeFolder(state.path, 0o700);
  writeFileSync(path, "*\n", { mode: 0o600 });
}
