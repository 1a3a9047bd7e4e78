import { connectPostgres, filledUrl, placeOf } from "../../database/postgres/connect.ts";
import type { Notice } from "../../../ports/notice.ts";
import { noticeOf } from "../notices.ts";
import { versionOf } from "./dump.ts";
import { postgresPrograms } from "./programs.ts";
import { untrustedExtensions } from "./extensions.ts";
import { identifier } from "./quoting.ts";
import type { PostgresBackups } from "./settings.ts";

/** Whether it answers, what it would be backed up with, and whether a backup could be tried. */
export async function postgresNotices(backups: PostgresBackups, signal: AbortSignal): Promise<readonly Notice[]> {
  const { database, env, folders, scratch } = backups;
  try {
    await using connection = await connectPostgres(database, { application: "tidegate doctor", signal });
    const { client } = connection;
    const version = await versionOf(client);
    const { rows } = await client.query<{ creates: boolean; role: string }>(
      "SELECT rolcreatedb OR rolsuper AS creates, rolname AS role FROM pg_roles WHERE rolname = current_user",
    );
    const [rights] = rows;
    const programs = await postgresPrograms(version, { env, folders, signal }).catch(noticeOf);
    const untrusted = await untrustedExtensions(client);
    const isTryable = scratch !== null || rights?.creates !== false;
    return [
      { about: "database", level: "ok", sentence: `PostgreSQL ${version}, ${placeOf(filledUrl(database))}` },
      ...("level" in programs ? [programs] : []),
      ...(isTryable ? [] : [untryable(rights?.role ?? "role")]),
      ...(untrusted.length === 0 ? [] : [leftOut(untrusted)]),
    ];
  } catch (error) {
    return [noticeOf(error)];
  }
}

function untryable(role: string): Notice {
  return {
    about: "backups",
    level: "warn",
    sentence: `the role ${role} may not create a database to try them in`,
    fix: `ALTER ROLE ${role} CREATEDB; or lend an empty database: database: { backups: { scratch: "\${SCRATCH_URL}" } }`,
  };
}

function leftOut(extensions: readonly string[]): Notice {
  const names = extensions.join(", ");
  return {
    about: "backups",
    level: "warn",
    sentence: `only a superuser may make ${names}: backups are tried and restored without ${extensions.length === 1 ? "it" : "them"}`,
    fix: `after a restore, as a superuser: ${extensions.map((name) => `CREATE EXTENSION ${identifier(name)}`).join("; ")}`,
  };
}
