import { createMemoryDatabase } from "../../../src/adapters/database/memory.ts";
import { FaultError } from "../../../src/core/fault.ts";
import type { MigrationPhase } from "../../../src/core/plan/database.ts";
import type { Databases } from "../../../src/ports/databases.ts";
import type { Backups } from "../../../src/ports/backups.ts";
import type { Migrations } from "../../../src/ports/migrations.ts";
import { fault } from "./app.ts";
import type { Ground } from "./ground.ts";
import type { EngineProcess, Wire } from "./wire.ts";

const PHASES: readonly MigrationPhase[] = ["expand", "backfill", "contract"];

/** The app's database: every release brings one migration of each phase, and what is filled can't be taken back. */
export function createDatabase(ground: Ground): (process: EngineProcess, wire: Wire) => Databases {
  const { scheduler, random, troubles } = ground;
  const clock = { wall: () => ground.wall(), monotonic: () => scheduler.now(), sleep: () => Promise.resolve() };
  const byRelease = new Map<number, Databases>();
  const ofRelease = (release: number): Databases => {
    const known = byRelease.get(release);
    if (known !== undefined) return known;
    const mine = createMemoryDatabase({ clock });
    mine.files = PHASES.map((phase) => ({
      file: `${release}-${phase}.sql`,
      phase,
      ...(phase === "backfill" ? { kept: "What was filled in stays." } : {}),
    }));
    byRelease.set(release, mine);
    return mine;
  };

  return (process, wire) => {
    // Nobody finishes a migration for an engine that is gone: its connection goes with it.
    const work = async <T>(method: string, signal: AbortSignal, done: () => Promise<T>): Promise<T> => {
      const call = { place: "task", method, unreachable: "database-unreachable" } as const;
      await wire.local(process, { ...call, changes: false }, () => undefined);
      await scheduler.sleep(random.between(1, 1_500), process, signal);
      return wire.local(process, { ...call, changes: true }, () => {
        if (troubles.has("tasks-flaky") && random.chance(0.4))
          throw new FaultError(fault("database-lock-not-got", "Somebody reads the table for long."));
        return done();
      });
    };

    return {
      backups: async (plan): Promise<Backups> => {
        const mine = await ofRelease(0).backups(plan);
        return { ...mine, make: (request) => work("backup", request.signal, () => mine.make(request)) };
      },
      migrations: async (plan): Promise<Migrations> => ({
        ...(await ofRelease(0).migrations(plan)),
        status: async () => ({ applied: [], pending: [], problems: [], lock: null }),
        up: (request) =>
          work("migrate", request.signal, async () => {
            const release = request.release ?? 0;
            const tell = (what: MigrationPhase): void => ground.tell({ kind: "schema", by: process.id, release, what });
            request.phases.filter((phase) => phase !== "contract").forEach(tell);
            const beforeContract = async (file: string): Promise<void> => {
              await request.beforeContract?.(file);
              tell("contract");
            };
            return (await ofRelease(release).migrations(plan)).up({ ...request, beforeContract });
          }),
        down: (request) =>
          work("migrate-back", request.signal, async () => {
            const release = "release" in request.of ? request.of.release : 0;
            ground.tell({ kind: "schema", by: process.id, release, what: "back" });
            return (await ofRelease(release).migrations(plan)).down(request);
          }),
      }),
    };
  };
}
