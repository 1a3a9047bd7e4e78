import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../../../core/fault.ts";
import type { InstanceSeen } from "../../../core/observation.ts";
import { isOfKind } from "../../../core/plan/service.ts";
import { createStateFolder, type StateFolder } from "../../../local/state-folder.ts";
import type { Runtime, StartOrder } from "../../../ports/runtime.ts";
import { claimedEpoch } from "../claimed-epoch.ts";
import { instanceId } from "../instance-id.ts";
import { type Asked, watchedLiveness } from "../watched-liveness.ts";
import { adoptUnit, resumeUnits } from "./adopted-unit.ts";
import { endHung } from "./end-hung.ts";
import { explainUnit } from "./explain-unit.ts";
import { pruneUnits } from "./prune-units.ts";
import { startUnit } from "./start-unit.ts";
import { stopUnit } from "./stop-unit.ts";
import { systemctl as systemctlOf } from "./systemctl.ts";
import { endsOf } from "./unit-ends.ts";
import { unitLog } from "./unit-log.ts";
import { unitName } from "./unit-names.ts";
import { unitPlace } from "./unit-place.ts";
import { readRecord, readRecords, type UnitRecord } from "./unit-records.ts";
import { clocks, PROPERTIES, stateOf, unitSeen } from "./unit-state.ts";
import type { UnitOrder } from "./unit-text.ts";
import { unitUsage } from "./unit-usage.ts";
import type { UnitProperties } from "./systemctl.ts";

export interface SystemdRuntimeSettings {
  readonly app: string;
  readonly environment: string;
  readonly planFolder: string;
  readonly folder: StateFolder;
  /** By default this process's own environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** By default where systemd looks for the units of whoever this process runs as. */
  readonly unitsFolder?: string;
  /** By default whom this process runs as: root's services are the system's. */
  readonly uid?: number;
  /** Makes the folders of versions, knows their names, and takes over what others started. */
  readonly versions: Pick<Runtime, "prepare" | "prune" | "commits" | "resolve" | "adopt">;
}

/** How soon something new to be asked is found. */
const RARELY_MS = 5_000;

/** Instances as units of systemd's, one template for each version in a slot; systemd restarts them. */
export function createSystemdRuntime(settings: SystemdRuntimeSettings): Runtime {
  const { app, environment, planFolder, folder, env = process.env, versions } = settings;
  const systemctl = systemctlOf(env, settings.uid);
  const place = unitPlace(folder, systemctl, env, settings.unitsFolder);
  const epoch = claimedEpoch(folder, "systemd");
  const usage = unitUsage();
  const starting = new Map<string, Promise<InstanceSeen>>();
  const watch = watchedLiveness(({ unit }: Asked & { readonly unit: string }) => endHung(systemctl, unit));

  const seen = async (records: readonly UnitRecord[]): Promise<readonly InstanceSeen[]> => {
    const shown = await systemctl.show(
      records.map(({ unit }) => unit),
      PROPERTIES,
    );
    const now = clocks();
    const used = usage.read(shown);
    return Promise.all(
      records.map(async (record) => {
        const properties = shown.get(record.unit);
        const ends = await endsOf(folder, record, properties, now, epoch.isClaimed());
        const found = unitSeen(record, properties, ends, used.get(record.unit) ?? null, now);
        // Who only looks restarts nothing.
        if (epoch.isClaimed()) ask(record, found);
        return found;
      }),
    );
  };
  const ask = ({ id, unit, liveness, address }: UnitRecord, { state, startedAt, pid }: InstanceSeen): void => {
    if (liveness === undefined || address === undefined || state !== "running" || startedAt === undefined) return;
    watch({ id, unit, life: pid ?? startedAt, startedAt, address, liveness });
  };
  const own = (): readonly UnitRecord[] =>
    readRecords(folder).filter((each) => each.app === app && each.environment === environment);
  const find = (id: string): UnitRecord | undefined => own().find((each) => each.id === id);
  const properties = async ({ unit }: UnitRecord): Promise<UnitProperties | undefined> =>
    (await systemctl.show([unit], PROPERTIES)).get(unit);
  const one = async (record: UnitRecord): Promise<InstanceSeen> => (await seen([record]))[0] as InstanceSeen;

  const start = async (order: UnitOrder): Promise<InstanceSeen> => {
    epoch.mustBeMine();
    createStateFolder(folder);
    const before = readRecord(folder, unitName(order));
    if (before?.wanted === "running" && stateOf(before, await properties(before)) !== "exited") return one(before);
    epoch.mustBeMine();
    return one(await startUnit(place, order));
  };

  /** An engine that acts and has no release looks at nothing by itself; what hangs must be found all the same. */
  const watchAlways = async (): Promise<void> => {
    for (;;) {
      const asked = own().filter(({ liveness, wanted }) => liveness !== undefined && wanted === "running");
      // What can't be looked at now is looked at in its time.
      if (epoch.isClaimed() && asked.length > 0) await seen(asked).catch(() => undefined);
      await delay(Math.min(RARELY_MS, ...asked.map(({ liveness }) => liveness?.everyMs ?? RARELY_MS)), undefined, {
        // It keeps no process from ending.
        ref: false,
      });
    }
  };
  let watching: Promise<void> | undefined;

  return {
    async claim(next) {
      await epoch.claim(next);
      watching ??= watchAlways();
    },
    prepare: (version, services, signal) => versions.prepare(version, services, signal),
    start(order) {
      const id = instanceId(order);
      const under = starting.get(id) ?? start(unitOrder(order)).finally(() => starting.delete(id));
      starting.set(id, under);
      return under;
    },
    async stop(instance, stopMs) {
      epoch.mustBeMine();
      const record = find(instance);
      if (record === undefined || stateOf(record, await properties(record)) === "exited") return forget(record);
      return stopUnit(place, record, stopMs);
    },
    instances: async () => {
      const records = own();
      return records.length === 0 ? [] : seen(records);
    },
    log: async (instance, lines) => {
      const record = find(instance);
      return record === undefined ? [] : unitLog(systemctl, record, lines);
    },
    async explain(instance) {
      const record = find(instance);
      if (record === undefined) {
        throw new FaultError({ code: "unknown-instance", what: `systemd runs no instance ${instance} of Tidegate's.` });
      }
      return explainUnit({
        systemctl,
        planFolder,
        record,
        instance: await one(record),
        properties: await properties(record),
      });
    },
    async adopt(order) {
      epoch.mustBeMine();
      const record = await adoptUnit(place, order);
      return record === null ? versions.adopt(order) : one(record);
    },
    async resume(order) {
      epoch.mustBeMine();
      await resumeUnits(place, { app, environment }, order);
    },
    async prune(keep, inUse) {
      const all = own();
      const shown = await systemctl.show(
        all.map(({ unit }) => unit),
        PROPERTIES,
      );
      const living = all.filter((each) => stateOf(each, shown.get(each.unit)) !== "exited");
      const kept = [...inUse, ...living.map(({ version }) => version)];
      const removed = await versions.prune(keep, kept);
      await pruneUnits(place, all, removed, kept);
      return removed;
    },
    commits: (from, to) => versions.commits(from, to),
    resolve: (version, of) => versions.resolve(version, of),
  };

  /** One that has ended by itself for good, or was stopped by somebody: it is not missed any more. */
  async function forget(record: UnitRecord | undefined): Promise<object> {
    if (record?.wanted === "running") await stopUnit(place, record, 0);
    return {};
  }
}

/** Whoever asks has chosen the runtime by the service. */
function unitOrder(order: StartOrder): UnitOrder {
  const { service } = order;
  if (!isOfKind("systemd")(service)) throw new Error(`${service.name} is no service of systemd's.`);
  return { ...order, service };
}
