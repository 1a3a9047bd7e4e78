import type { MachineCheck } from "../core/plan/checklist.ts";
import type { EffectOf, Observed } from "../core/release/effect.ts";
import type { Placed } from "../core/release/event.ts";
import { FaultError, faultOf } from "../core/fault.ts";
import { unansweredOf } from "../core/diagnosis/evidence.ts";
import { receiverName } from "../core/plan/receiver.ts";
import { fillReferences } from "../core/text/references.ts";
import { routed } from "../core/decide/recipe.ts";
import type { SecondRow } from "../core/observation.ts";
import { twinName } from "../core/traffic/routing.ts";
import { twinOf } from "../core/release/twin.ts";
import { MINUTE } from "../core/time/time.ts";
import type { SmokeFlow, SmokeOutcome } from "../core/smoke/smoke.ts";
import type { Target, Warmer } from "../ports/tasks.ts";
import type { Stage } from "./perform.ts";

/** Directly: on every replica, one after the other. Through the front door: each flow under its service's host name. */
export async function runSmoke(
  stage: Stage,
  flows: readonly SmokeFlow[],
  through: "instance" | "front-door",
): Promise<Observed> {
  const told: SmokeOutcome["flows"][number][] = [];
  for (const round of through === "instance" ? directly(stage, flows) : throughFrontDoor(stage, flows)) {
    const outcome = await stage.ports.smoke.run(round.flows, round.target, stage.signal);
    told.push(...outcome.flows);
    if (!outcome.passed)
      throw smokeFailed(
        stage,
        outcome,
        through === "instance" ? `asked directly at ${round.at}` : "through the front door",
      );
  }
  return { flows: told };
}

interface SmokeRound {
  readonly flows: readonly SmokeFlow[];
  readonly target: Target;
  readonly at: string;
}

function directly(stage: Stage, flows: readonly SmokeFlow[]): readonly SmokeRound[] {
  return instanceTargets(stage, stage.release.candidate).map((target) => ({
    flows,
    target,
    at: Object.values(target.baseUrls).join(", "),
  }));
}

function throughFrontDoor(stage: Stage, flows: readonly SmokeFlow[]): readonly SmokeRound[] {
  const services = [...new Set(flows.map(({ service }) => service))];
  return services.map((service) => ({
    flows: flows.filter((flow) => flow.service === service),
    target: frontDoorTarget(stage, service),
    at: service,
  }));
}

function smokeFailed({ release }: Stage, outcome: SmokeOutcome, where: string): FaultError {
  const failed = outcome.flows.filter(({ passed }) => !passed);
  return new FaultError({
    code: "smoke-failed",
    what: `${failed.length} of ${outcome.flows.length} smoke flows failed on ${release.candidate.label}, ${where}: ${failed[0]?.name ?? ""}.`,
    detail: failed.flatMap(({ name, failure, cleanupFailure }) => [
      ...(failure === undefined ? [] : [`${name}: ${failure}`]),
      ...(cleanupFailure === undefined ? [] : [`${name}, clean-up: ${cleanupFailure}`]),
    ]),
    fix: "mend the version, then release it again",
  });
}

/** Every replica has caches of its own to warm. */
export async function warmUp(stage: Stage, { warm, of }: EffectOf<"warm">): Promise<Observed> {
  const results: Awaited<ReturnType<Warmer["warm"]>>[] = [];
  const { candidate } = stage.release;
  const placed = of === "twin" ? (twinOf(stage.release) ?? candidate) : candidate;
  for (const target of instanceTargets(stage, placed, warm.service)) {
    const result = await stage.ports.warmer.warm(warm, target, stage.signal);
    results.push(result);
    if (!result.warm)
      throw new FaultError({
        code: "not-warm",
        what: `${of === "twin" ? "Its twin" : placed.label} did not get warm: ${result.detail}`,
      });
  }
  return { replicas: results };
}

export async function checkItem(stage: Stage, item: string, check: MachineCheck): Promise<Observed> {
  const { environment, planHash, candidate } = stage.release;
  const of = { environment, planHash, version: candidate.version, label: candidate.label };
  const { passed, detail } = await stage.ports.checker.check(check, stage.signal, of);
  if (!passed) throw new FaultError({ code: "check-not-passed", what: detail, where: `checklist item ${item}` });
  return { detail };
}

export async function runCommand(
  stage: Stage,
  command: string,
  timeoutMs: number,
  purpose: "run" | "undo",
): Promise<Observed> {
  const { release, ports } = stage;
  // `${UPPER}` is left to the shell, which has it in its environment: filled in it would stand in the process list.
  const values = { version: release.candidate.version, slot: release.candidate.slot };
  const env = {
    TIDEGATE_APP: release.app,
    TIDEGATE_ENVIRONMENT: release.environment,
    TIDEGATE_RELEASE: String(release.id),
    TIDEGATE_VERSION: release.candidate.version,
    TIDEGATE_STABLE_VERSION: release.stable?.version ?? "",
    TIDEGATE_SLOT: release.candidate.slot,
    DEPLOYMENT_ENV: release.environment,
  };
  const result = await ports.commands.run(fillReferences(command, values), { env, timeoutMs, signal: stage.signal });
  if (result.code === 0) return { tookMs: result.tookMs, output: result.output.slice(-20) };
  const how = result.timedOut
    ? `was stopped after ${timeoutMs / 1000}s`
    : result.code === null
      ? `ended by ${result.signal ?? "a signal"}`
      : `ended with exit code ${result.code}`;
  throw new FaultError({
    code: "command-failed",
    what: `The ${purpose === "undo" ? "undo command" : "command"} ${how}: ${command}`,
    detail: result.output.slice(-10),
  });
}

const COUNTED_AFTER_MS = 4_500;
const LOOK_AGAIN_MS = 100;

/** One target that can't be reached must not keep a message from the others. */
export async function notifyPeople(stage: Stage, { message, to, thread }: EffectOf<"notify">): Promise<Observed> {
  const { ports, signal } = stage;
  const { app, environment, id: release } = stage.release;
  const context = { app, environment, release, ...(thread === undefined ? {} : { thread }) };
  const results = await Promise.allSettled(
    to.map((target) => ports.notifier.deliver(message, target, context, signal)),
  );
  const failed = results.flatMap((result) =>
    result.status === "rejected"
      ? [faultOf(result.reason, "notification-not-delivered", "A message could not be delivered.")]
      : [],
  );
  const [first] = failed;
  if (first !== undefined) throw new FaultError(first);
  const answers = results.flatMap((result) => (result.status === "fulfilled" && result.value ? [result.value] : []));
  return { delivered: to.map(receiverName), ...Object.assign({}, ...answers) };
}

export async function gatherEvidence(stage: Stage): Promise<Observed> {
  const { release, world, ports } = stage;
  await untilCounted(stage);
  const { lastAt, startedAt } = release;
  // Whichever clock says longer: here a row too many does no harm, one that is missing does.
  const ageMs =
    startedAt === null ? 0 : Math.max(ports.clock.wall() - startedAt.wall, lastAt.watched - startedAt.watched);
  const since = world.secondAgo(ageMs);
  const [candidate, stable] = [release.candidate.version, release.stable?.version ?? null];
  // What its twin did stable has done: the bug is to be told from what both versions do.
  const isTwin = ({ version }: SecondRow): boolean => stable !== null && version === twinName(stable);
  const rows = world
    .rows()
    .filter(({ second }) => second >= since)
    .map((row) => (isTwin(row) ? { ...row, version: stable ?? row.version } : row));
  const evidence = await ports.evidence.gather({ candidate, stable, rows });
  if (stable === null || !isCountedWhole(stage, ageMs)) return { ...evidence };
  const unanswered = { candidate: unansweredOf(rows, candidate), stable: unansweredOf(rows, stable) };
  return { ...evidence, unanswered };
}

/** A data plane keeps its figures for this long. */
const KEPT_MS = 10 * MINUTE;

/** Whether one and the same data plane counted all of the release, and still has it: one that was killed took figures along. */
function isCountedWhole({ release, world }: Stage, ageMs: number): boolean {
  const plane = world.traffic();
  if (plane === null || world.sourceDown() !== null || ageMs >= KEPT_MS) return false;
  return plane.startedAt <= release.plannedAt.wall;
}

/**
 * The last seconds with traffic on the candidate are closed, and fetched, a while after they ended: waits until one is
 * known that began after its last request had ended, but no longer than a bound. Without visitors none comes.
 */
async function untilCounted({ release, world, ports: { clock }, signal }: Stage): Promise<void> {
  const { undo, candidate } = release;
  if (undo === null || undo.fromShare === 0) return;
  // A wall clock that was put back must not stretch the wait.
  const until = clock.monotonic() + Math.min(COUNTED_AFTER_MS, undo.decidedAt.wall + COUNTED_AFTER_MS - clock.wall());
  let emptySince: number | null = null;
  for (let left = until - clock.monotonic(); left > 0; left = until - clock.monotonic()) {
    if (emptySince === null && world.traffic()?.inFlight[candidate.version] === 0) emptySince = world.secondAgo(0);
    const from = emptySince;
    if (from !== null && world.rows().some(({ second }) => second >= from)) return;
    await clock.sleep(Math.min(left, LOOK_AGAIN_MS), signal);
  }
}

/** One target a replica; a service with fewer replicas stands in with its first. `of`: as many as that service has. */
function instanceTargets(stage: Stage, placed: Placed, of?: string): readonly Target[] {
  const addresses = new Map<string, string[]>();
  for (const { version, slot, service, address } of stage.world.instances()) {
    if (version !== placed.version || slot !== placed.slot || address === undefined) continue;
    addresses.set(service, [...(addresses.get(service) ?? []), address]);
  }
  const rounds =
    of === undefined
      ? Math.max(1, ...[...addresses.values()].map(({ length }) => length))
      : (addresses.get(of)?.length ?? 1);
  return Array.from({ length: rounds }, (_, round) => ({
    baseUrls: Object.fromEntries([...addresses].map(([service, all]) => [service, `http://${all[round] ?? all[0]}`])),
    headers: {},
    version: placed.version,
    insecureTls: false,
  }));
}

/** Through our own listener, pinned to the candidate, with the host name that the service's route wants. */
function frontDoorTarget(stage: Stage, service: string): Target {
  const { release, options } = stage;
  const [listener] = release.plan.traffic.listen;
  if (listener === undefined)
    throw new FaultError({ code: "no-listener", what: "The plan has no front door to go through." });
  const host = listener.host === "0.0.0.0" || listener.host === "::" ? "127.0.0.1" : listener.host;
  const scheme = listener.tls === undefined ? "http" : "https";
  const base = `${scheme}://${host.includes(":") ? `[${host}]` : host}:${listener.port}`;
  const named = routed(release)
    .find(({ name }) => name === service)
    ?.routes.find((route) => route.host !== undefined)?.host;
  return {
    baseUrls: Object.fromEntries(routed(release).map(({ name }) => [name, base])),
    headers: {
      [release.plan.traffic.pins.header]: release.candidate.version,
      "x-tidegate-token": options.engineToken,
      ...(named === undefined ? {} : { host: named }),
    },
    version: release.candidate.version,
    insecureTls: listener.tls !== undefined,
  };
}
