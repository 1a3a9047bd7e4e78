import { randomBytes } from "node:crypto";
import { FaultError } from "../../../core/fault.ts";
import { fillReferences } from "../../../core/text/references.ts";
import { ofDatabase } from "../postgres/connect.ts";
import { APPLICATION, runTool, type ToolPlace } from "./run-tool.ts";

const known = new Map<string, Promise<boolean | null>>();

/**
 * Whether the tool works on the database whose address it is given: its check is asked about one that does not exist, and must fail. Otherwise what is
 * meant for a copy would be done to whatever stands in its configuration. null: it has no such check.
 */
export function goesByAddress(place: ToolPlace): Promise<boolean | null> {
  const { tool } = place;
  const key = [tool.folder, ...tool.program, ...(tool.check ?? [])].join("\0");
  const asked = known.get(key) ?? ask(place);
  known.set(key, asked);
  // What was broken off says nothing.
  asked.catch(() => known.delete(key));
  return asked;
}

async function ask(place: ToolPlace): Promise<boolean | null> {
  const { tool, database, signal } = place;
  if (tool.check === null) return null;
  const url = fillReferences(database.url, database.values());
  const nowhere = ofDatabase(url, `tidegate_nowhere_${randomBytes(6).toString("hex")}`);
  const elsewhere = { ...database, url: nowhere.replaceAll("${", "$${"), values: () => ({}) };
  const how = { application: `${APPLICATION}: looks`, options: [] };
  const { code } = await runTool({ ...place, database: elsewhere }, tool.check, how);
  signal.throwIfAborted();
  return code !== 0;
}

/** Faults: migration-tool-elsewhere; of a copy, also where nothing shows by which address it goes. */
export async function requireAddress(place: ToolPlace, isCopy: boolean): Promise<void> {
  const isShown = await goesByAddress(place);
  const { name, folder } = place.tool;
  if (isShown === null && isCopy)
    throw new FaultError({
      code: "migration-tool-elsewhere",
      what: `Nothing shows that ${name} goes by DATABASE_URL, so it is not let loose on a copy. Nothing was run.`,
      where: folder,
      fix: "name a program that only reads and fails without its database: `command: { check: [./migrate, status] }`",
    });
  if (isShown !== false) return;
  throw new FaultError({
    code: "migration-tool-elsewhere",
    what: `${name} does not go by DATABASE_URL: it found a database where there is none. Nothing was run.`,
    where: folder,
    fix: HINTS[name] ?? "have it take its address from the environment variable DATABASE_URL",
  });
}

const HINTS: Readonly<Record<string, string>> = {
  alembic: 'in env.py: config.set_main_option("sqlalchemy.url", os.environ["DATABASE_URL"].replace("%", "%%"))',
  knex: "in the knexfile: connection: process.env.DATABASE_URL",
};
