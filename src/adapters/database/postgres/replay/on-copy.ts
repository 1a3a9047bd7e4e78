import type { Client } from "pg";
import type { ServedQueries } from "../../../../core/migration/serving.ts";
import type { QueryWatch, Watching } from "../../../backup/query-watch.ts";
import { connectPostgres } from "../connect.ts";
import { queriesPlace } from "../lint-files.ts";
import { queriesToAsk, type QueriesPlace } from "../lint-pending.ts";
import type { DatabaseSettings } from "../../settings.ts";
import { startReplay } from "./replay.ts";

/** Nobody else is in the copy, so there is time. */
const BOUNDS = { timeoutMs: 5_000, budgetMs: 30_000, isLive: false };

/** Queries of a file, or else those that the server has seen in `source`, asked of copies of it. */
export function watchQueries(source: DatabaseSettings, file: string | undefined): Watching {
  return async ({ copy, signal, ...at }) => {
    const served = await askedOf(source, queriesPlace(at, file), signal);
    if (served === null || served.list.length === 0) return null;
    const connection = await connectPostgres(copy, { application: "tidegate backup", signal });
    const { client } = connection;
    try {
      const replay = await takenBack(client, () => startReplay(client, served, BOUNDS));
      if (replay.result().tried === 0) {
        await connection[Symbol.asyncDispose]();
        return null;
      }
      const watch: QueryWatch = {
        after: ({ phase, ...migration }) =>
          takenBack(client, () =>
            phase === "contract" ? replay.afterContract() : replay.after({ ...migration, phase }),
          ),
        result: () => replay.result(),
        [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
      };
      return watch;
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
  };
}

async function askedOf(
  source: DatabaseSettings,
  place: QueriesPlace,
  signal: AbortSignal,
): Promise<ServedQueries | null> {
  await using connection = await connectPostgres(source, { application: "tidegate backup", signal });
  return await queriesToAsk(connection.client, place);
}

async function takenBack<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query("BEGIN");
  try {
    return await work();
  } finally {
    await client.query("ROLLBACK");
  }
}
