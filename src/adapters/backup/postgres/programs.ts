import { globSync } from "node:fs";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { FaultError } from "../../../core/fault.ts";
import { printedBy } from "../program.ts";

/** The programs of one version, which belong together. */
export interface PostgresPrograms {
  readonly dump: string;
  readonly restore: string;
  /** `15.18`. */
  readonly version: string;
}

/** Where systems put versions side by side: Debian, Red Hat, Homebrew. */
export const USUAL_FOLDERS: readonly string[] = [
  "/usr/lib/postgresql/*/bin",
  "/usr/pgsql-*/bin",
  "/opt/homebrew/opt/postgresql@*/bin",
  "/usr/local/opt/postgresql@*/bin",
];

interface Search {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Beside the PATH; patterns. */
  readonly folders: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * pg_dump and pg_restore for a server: of its own version where they are there, else of the next later one, which can read it too.
 * Faults: backup-tools-missing, backup-server-newer.
 */
export async function postgresPrograms(serverVersion: string, search: Search): Promise<PostgresPrograms> {
  const server = majorOf(serverVersion);
  const found = await allPrograms(search);
  const able = found
    .filter(({ version }) => majorOf(version) >= server)
    .sort((a, b) => majorOf(a.version) - majorOf(b.version));
  if (able[0] !== undefined) return able[0];
  const newest = found.toSorted((a, b) => majorOf(b.version) - majorOf(a.version))[0];
  const fix = `install the programs of version ${server} or later: apt-get install postgresql-client-${server} (Debian), dnf install postgresql${server} (Red Hat), brew install postgresql@${server}`;
  throw new FaultError(
    newest === undefined
      ? { code: "backup-tools-missing", what: "There is no pg_dump here, by which backups are made.", fix }
      : {
          code: "backup-server-newer",
          what: `The server is PostgreSQL ${serverVersion}, and pg_dump here is ${newest.version}: it does not read a server newer than itself.`,
          where: newest.dump,
          fix,
        },
  );
}

export function majorOf(version: string): number {
  return Number.parseInt(version, 10);
}

async function allPrograms({ env, folders, signal }: Search): Promise<readonly PostgresPrograms[]> {
  const onPath = (env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const places = [...onPath, ...folders.flatMap((pattern) => globSync(pattern))];
  const found: PostgresPrograms[] = [];
  for (const folder of new Set(places)) {
    const dump = join(folder, "pg_dump");
    const restore = join(folder, "pg_restore");
    if (!(await isProgram(dump)) || !(await isProgram(restore))) continue;
    const said = await printedBy({ program: dump, arguments: ["--version"], env, redact: (text) => text, signal });
    const version = /\b(\d+(?:\.\d+)*)/.exec(said ?? "")?.[1];
    if (version !== undefined) found.push({ dump, restore, version });
  }
  return found;
}

async function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
