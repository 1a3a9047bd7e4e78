import type { Client } from "pg";

/** What a tool's own table says; nothing where it has not made it yet. */
export async function columnOf(client: Client, table: string, sql: string): Promise<readonly string[]> {
  if (!(await isThere(client, table))) return [];
  const { rows } = await client.query<unknown[]>({ text: sql, rowMode: "array" });
  return rows.map(([first]) => String(first));
}

export async function isThere(client: Client, table: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>("SELECT to_regclass($1) IS NOT NULL AS there", [table]);
  return rows[0]?.there === true;
}
