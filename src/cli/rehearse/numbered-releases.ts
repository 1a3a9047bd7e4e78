import type { Databases } from "../../ports/databases.ts";
import type { Machinery } from "../machinery.ts";

/** Beyond every number that a release has had: the copy's ledger knows of production's releases. */
const FROM = 1_000_000;

/**
 * The same machinery, whose releases have numbers of their own in the copy's ledger of migrations: going back from release 2 of the
 * rehearsal must not take back what release 2 of production once did.
 */
export function withNumbersOfItsOwn(machinery: Machinery): Machinery {
  return {
    ...machinery,
    assemble: async (order) => {
      const assembly = await machinery.assemble(order);
      return {
        ...assembly,
        ports: { ...assembly.ports, databases: numbered(assembly.ports.databases) },
        [Symbol.asyncDispose]: () => assembly[Symbol.asyncDispose](),
      };
    },
  };
}

function numbered(databases: Databases): Databases {
  return {
    backups: (database) => databases.backups(database),
    migrations: async (database) => {
      const migrations = await databases.migrations(database);
      return {
        ...migrations,
        up: (request) =>
          migrations.up({ ...request, release: request.release === null ? null : FROM + request.release }),
        down: (request) =>
          migrations.down({
            ...request,
            of: "release" in request.of ? { release: FROM + request.of.release } : request.of,
          }),
      };
    },
  };
}
