import type { EffectOf, Observed } from "../core/release/effect.ts";
import { type Emergency, emergencyTable, untold, withoutEmergency } from "../core/release/emergency.ts";
import { FaultError } from "../core/fault.ts";
import type { PinRule } from "../core/plan/traffic.ts";
import type { Release } from "../core/release/release.ts";
import { routed } from "../core/decide/recipe.ts";
import { fillReferences, referencesIn } from "../core/text/references.ts";
import {
  type Backend,
  backendsOf,
  eachBackend,
  type Endpoint,
  type RoutingTable,
  type TrafficState,
  withoutTwin,
} from "../core/traffic/routing.ts";
import { shortVersion } from "../core/text/short-version.ts";
import { twinOf } from "../core/release/twin.ts";
import { formatShare, type Share, twinShare, WHOLE } from "../core/traffic/share.ts";
import { backendOf, routingTable } from "../core/traffic/table.ts";
import { openDoors, planOfStable, settleDoors } from "./front-doors.ts";
import type { Stage } from "./perform.ts";
import type { World } from "./world.ts";

/** Gives the candidate a share. The table in force is changed in place, so that nothing else about it can be lost. */
export async function setShare(stage: Stage, { share, twin }: Omit<EffectOf<"share">, "kind">): Promise<Observed> {
  const { release, epoch } = stage;
  const wantsTwin = twin === true;
  const state = await changed(stage, (now, revision) => {
    mustBeTold(stage, now);
    if (now === null || !isOfBoth(now, release, share)) return tableFor(stage, share, "both", revision, wantsTwin);
    const { unwatched } = release.plan;
    const isPartial = share > 0 && share < WHOLE && now.stable !== null;
    const base = withoutEmergency(now);
    return {
      // With none or all of the traffic on the candidate the twin has no part: it stays until it is stopped, to be drained.
      ...(isPartial ? withTwin(stage, base, wantsTwin) : base),
      revision,
      epoch,
      share,
      lease: isPartial ? { unwatchedMs: unwatched.afterMs, do: unwatched.do } : null,
    };
  });
  mustEqual(stage, state, share, wantsTwin);
  const withIt = wantsTwin ? { twinPercent: twinShare(share) / 100 } : {};
  return { sharePercent: share / 100, ...withIt, revision: state.table?.revision };
}

function withTwin({ release, world }: Stage, table: RoutingTable, isWanted: boolean): RoutingTable {
  const placed = isWanted ? twinOf(release) : null;
  if (placed === null) return withoutTwin(table);
  return { ...table, twin: backendOf(placed, { instances: world.instances(), draining: new Set() }) };
}

/** The twin has been stopped: nobody is to look for it any more. */
export async function withdrawTwin(stage: Stage): Promise<void> {
  if (stage.world.traffic()?.table?.twin === undefined) return;
  await changed(stage, (now, revision) => {
    return { ...withoutTwin(now ?? tableFor(stage, 0, "both", revision)), revision, epoch: stage.epoch };
  });
}

/** Whether the table is the release's own, with both sides in their places: settled on the candidate, that is its "stable". */
function isOfBoth(table: RoutingTable, { id, stable, candidate }: Release, share: Share): boolean {
  if (table.release !== id || table.stable?.version !== stable?.version) return false;
  return share === 0 || table.candidate?.version === candidate.version;
}

/** Tells the plane where the instances of both versions are, at the share that the candidate has. */
export async function introduce(stage: Stage): Promise<void> {
  const { release } = stage;
  await stage.world.freshInstances();
  await changed(stage, (now, revision) => {
    mustBeTold(stage, now);
    const isItsOwn = now?.release === release.id && now.candidate?.version === release.candidate.version;
    // Somebody else has taken a part of it away meanwhile: whoever only says where instances are gives nothing back.
    const share = isItsOwn ? Math.min(now.share, release.share) : release.share;
    return tableFor(stage, share, "both", revision, release.hasTwin);
  });
}

/**
 * Leaves one version in the table, the other gone from it. What goes back to stable goes back to its plan: routes,
 * stickiness, pins, time limits and front doors too, or visitors of stable would be served by what was put back.
 */
export async function settle(stage: Stage, on: "stable" | "candidate"): Promise<Observed> {
  const { release, ports, options } = stage;
  if (routed(release).length === 0) return {};
  await stage.world.freshInstances();
  const before = await planOfStable(ports.journal, release).catch(() => null);
  const plan = on === "stable" && before !== null ? before : release.plan;
  options.meet?.(plan);
  const state = await changed(stage, (now, revision) => {
    mustBeTold(stage, now);
    return tableFor({ ...stage, release: { ...release, plan } }, 0, on, revision);
  });
  const version = on === "candidate" ? stage.release.candidate.version : (stage.release.stable?.version ?? null);
  if ((state.table?.stable?.version ?? null) !== version || state.table?.candidate !== null) {
    throw new FaultError({
      code: "traffic-table-not-applied",
      what: "The data plane answers with another table than the one that it was given.",
      fix: "tidegate doctor",
    });
  }
  const closed = before === null ? [] : await settleDoors(ports, plan, on === "stable" ? release.plan : before);
  return { on: version, revision: state.table?.revision, ...(closed.length === 0 ? {} : { closedDoors: closed }) };
}

/** Draining endpoints get no new requests; answers how many were still open at the deadline. */
export async function drainEndpoints(stage: Stage, ids: readonly string[], deadlineMs: number): Promise<number> {
  const draining = new Set(ids);
  const state = await changed(stage, (now, revision) => {
    const base = now ?? tableFor(stage, 0, "both", revision);
    const mark = (backend: Backend): Backend => ({
      ...backend,
      instances: backend.instances.map((each) => (draining.has(each.id) ? { ...each, draining: true } : each)),
    });
    return withoutVisitors({
      ...eachBackend(base, mark),
      revision,
      epoch: stage.epoch,
    });
  });
  const backends = state.table === null ? [] : backendsOf(state.table);
  const known = new Set(backends.flatMap(({ instances }) => instances.map(({ id }) => id)));
  const left = await Promise.all(
    ids.filter((id) => known.has(id)).map((id) => stage.ports.traffic.drain(id, deadlineMs)),
  );
  return left.reduce((sum, { left: open }) => sum + open, 0);
}

/**
 * The table with nobody sent to a version that takes no more: a share that somebody else has given the candidate
 * meanwhile goes, one that stable still has is a mistake of whoever stops it.
 */
function withoutVisitors(table: RoutingTable): RoutingTable {
  const { stable, candidate, share } = table;
  if (takesNoMore(stable) && share < WHOLE && candidate !== null && !takesNoMore(candidate)) {
    throw new FaultError({
      code: "traffic-still-there",
      what: `${shortVersion(stable?.version ?? "stable")} still has ${formatShare(WHOLE - share)} of the traffic, so it is not stopped.`,
      fix: "tidegate status says what changed the share",
    });
  }
  return takesNoMore(candidate) && share > 0 ? { ...table, share: 0, lease: null } : table;
}

function takesNoMore(backend: RoutingTable["stable"]): boolean {
  return backend !== null && backend.instances.length > 0 && backend.instances.every(({ draining }) => draining);
}

/** All traffic to stable by the way back that the table in force carries with it; answers once the plane says so. */
export async function putBack(stage: Stage, emergency: Emergency): Promise<void> {
  const state = await changed(stage, (now) => {
    if (now !== null && now.release === stage.release.id && now.stable !== null) return emergencyTable(now, emergency);
    throw new FaultError({
      code: "traffic-no-way-back",
      what: "The data plane's table is not this release's, so it carries no way back for it.",
      fix: "tidegate doctor",
    });
  });
  mustEqual(stage, state, 0, false);
}

type Change = (now: RoutingTable | null, revision: number) => RoutingTable;

/** A plane whose disk is full says that it could not save the table: what is in force then, it must say itself. */
async function changed(stage: Stage, change: Change): Promise<TrafficState> {
  const { world, ports, signal } = stage;
  let wanted: RoutingTable | null = null;
  await ensurePlane(stage);
  try {
    return await world.changeTable((now, revision) => (wanted = change(now, revision)), signal);
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.code !== "table-not-saved") throw error;
    const state = await ports.traffic.read();
    if (state?.table?.revision === (wanted as RoutingTable | null)?.revision && state !== null) return state;
    throw error;
  }
}

/** One that nobody runs any more, its keeper gone with it, would never answer again: it is started first. */
async function ensurePlane({ world, ports, release }: Stage): Promise<void> {
  if (world.traffic() !== null || (await ports.traffic.read()) !== null) return;
  await openDoors(ports, release);
}

/** What was done before the journal could be told is told first: else this would undo it. */
function mustBeTold({ release }: Stage, now: RoutingTable | null): void {
  const emergency = now?.emergency;
  if (emergency === undefined || untold(release, [emergency]).length === 0) return;
  throw new FaultError({
    code: "emergency-not-told",
    what: "The data plane was changed in an emergency that this release's journal does not know of yet.",
  });
}

/** Where an instance listens elsewhere than before, the plane is told; nothing else of its table is touched. */
export async function followAddresses(world: World, epoch: number, signal: AbortSignal): Promise<void> {
  const table = world.traffic()?.table ?? null;
  const addresses = new Map(world.instances().map(({ id, address }) => [id, address]));
  const moved = (endpoint: Endpoint): Endpoint => {
    const address = addresses.get(endpoint.id) ?? `${endpoint.host}:${endpoint.port}`;
    const colon = address.lastIndexOf(":");
    const [host, port] = [address.slice(0, colon), Number(address.slice(colon + 1))];
    return host === endpoint.host && port === endpoint.port ? endpoint : { ...endpoint, host, port };
  };
  const follow = (backend: Backend): Backend => ({ ...backend, instances: backend.instances.map(moved) });
  const hasMoved =
    table !== null &&
    backendsOf(table).some(({ instances }) => instances.some((endpoint) => moved(endpoint) !== endpoint));
  if (!hasMoved) return;
  await world.changeTable((now, revision) => {
    if (now === null) throw new FaultError({ code: "no-table", what: "The data plane has no table any more." });
    return { ...eachBackend(now, follow), revision, epoch };
  }, signal);
}

function tableFor(
  stage: Stage,
  share: Share,
  on: "both" | "stable" | "candidate",
  revision: number,
  hasTwin = false,
): RoutingTable {
  const table = routingTable({
    release: stage.release,
    share,
    on,
    hasTwin,
    instances: stage.world.instances(),
    draining: new Set(),
    revision,
    epoch: stage.epoch,
    engineToken: stage.options.engineToken,
  });
  return { ...table, pins: filledPins(stage, table.pins) };
}

/** A token that can't be filled in lets nobody pin: its name alone would be known to everybody who reads the plan. */
function filledPins({ options }: Stage, { header, token }: PinRule): PinRule {
  if (token === undefined) return { header };
  const filled = fillReferences(token, options.secrets);
  return filled === "" || referencesIn(filled).length > 0 ? { header } : { header, token: filled };
}

function mustEqual(stage: Stage, state: TrafficState, share: Share, wantsTwin: boolean): void {
  const { away = [] } = state;
  // A load balancer that has no process sends nobody anywhere; of one that only does not answer nothing is known.
  const unknown = share === 0 ? away.filter(({ isGone }) => !isGone) : away;
  if (unknown.length > 0) {
    throw new FaultError({
      code: "traffic-unreachable",
      what: `${unknown.map(({ what }) => what).join(" ")} So nobody knows whether it gives ${formatShare(share)}; the others do.`,
      fix: `tidegate doctor ; then: tidegate retry ${stage.release.id}`,
    });
  }
  const found = state.table?.share;
  const lacksTwin = wantsTwin && state.table?.twin === undefined;
  const isOfCandidate = share === 0 || state.table?.candidate?.version === stage.release.candidate.version;
  if (found === share && isOfCandidate && !lacksTwin) return;
  const answer = found === undefined ? "with no table" : `${formatShare(found)}${lacksTwin ? ", and no twin" : ""}`;
  throw new FaultError({
    code: "traffic-weight-not-applied",
    what: `The data plane was asked for ${formatShare(share)}${wantsTwin ? " beside a twin" : ""} and answers ${answer}.`,
    fix: `tidegate doctor ; then: tidegate retry ${stage.release.id}`,
  });
}
