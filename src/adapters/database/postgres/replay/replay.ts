import type { Client } from "pg";
import type { ServedQueries } from "../../../../core/migration/serving.ts";
import type { BrokenQuery, ReplayedQueries, UntriedQuery } from "../../../../core/migration/replayed.ts";
import type { MigrationPhase } from "../../../../core/plan/database.ts";
import { onOneLine } from "../../../../core/text/plain-text.ts";
import { formatDuration } from "../../../../core/time/time.ts";
import { loadParser } from "../../../../migrations/sql/parser.ts";
import { errorOf } from "../faults.ts";
import { parametersOf } from "./parameters.ts";
import { pickQueries, type TriedQuery } from "./pick.ts";
import { type Values, valuesFor } from "./values.ts";

/** The queries of the version that serves, asked again after each migration. */
export interface Replay {
  /** Asks those that still work once more. */
  after(migration: Migrated): Promise<void>;
  /** What fails from here on is not this migration's doing: a contract may take away what the old version needs. */
  afterContract(): Promise<void>;
  result(): ReplayedQueries;
}

interface Migrated {
  readonly file: string;
  readonly phase: MigrationPhase;
  readonly isAllowed: boolean;
}

export interface ReplayBounds {
  /** For one query. */
  readonly timeoutMs: number;
  /** For one pass through all of them. */
  readonly budgetMs: number;
  /** Others work in this database. */
  readonly isLive: boolean;
}

interface Working {
  readonly query: TriedQuery;
  readonly values: Values;
  readonly tookMs: number;
}

/**
 * Asks each query once, to know which work before anything is migrated. Each is really executed and taken back: what a plan alone does not
 * show (NOT NULL, a check, a unique index) shows only so. In the transaction that is open.
 */
export async function startReplay(client: Client, served: ServedQueries, bounds: ReplayBounds): Promise<Replay> {
  const { queries, notTried } = await pickQueries(client, served, await loadParser(), bounds.isLive);
  const failedBefore: UntriedQuery[] = [];
  const late: UntriedQuery[] = [];
  let working: readonly Working[] = await within(client, bounds, async (isOver) => {
    const all: Working[] = [];
    for (const query of queries) {
      if (isOver()) {
        late.push({ query: query.name, why: "there was no more time for it" });
        continue;
      }
      const tried = await firstTry(client, query, bounds);
      if ("why" in tried) failedBefore.push({ query: query.name, why: tried.why });
      else all.push({ query, ...tried });
    }
    return all;
  });
  const tried = working.length;
  const broken: BrokenQuery[] = [];
  const again = async (told: (query: TriedQuery, why: string) => void): Promise<void> => {
    working = await within(client, bounds, async (isOver) => {
      const left: Working[] = [];
      for (const each of working) {
        const outcome = isOver() ? null : await ask(client, each.query, each.values, bounds);
        const why = outcome === null ? null : whyBroken(outcome, each, bounds);
        if (why === null) left.push(each);
        else told(each.query, why);
      }
      return left;
    });
  };
  return {
    after: (migration) => again(({ name: query }, why) => void broken.push({ query, why, ...migration })),
    afterContract: () => again(() => undefined),
    result: () => ({ from: served.from, tried, broken, failedBefore, notTried: [...notTried, ...late] }),
  };
}

type Outcome = { readonly tookMs: number } | { readonly code: string; readonly why: string; readonly tookMs: number };

async function within<T>(
  client: Client,
  { budgetMs }: ReplayBounds,
  work: (isOver: () => boolean) => Promise<T>,
): Promise<T> {
  const endsAt = performance.now() + budgetMs;
  await client.query("SAVEPOINT tidegate_replay");
  try {
    return await work(() => performance.now() > endsAt);
  } finally {
    await client.query("ROLLBACK TO SAVEPOINT tidegate_replay; RELEASE SAVEPOINT tidegate_replay");
  }
}

/** With the first values with which it works. */
async function firstTry(
  client: Client,
  query: TriedQuery,
  bounds: ReplayBounds,
): Promise<{ readonly values: Values; readonly tookMs: number } | { readonly why: string }> {
  const candidates = await candidatesFor(client, query).catch((error: unknown) => whyOf(error));
  if (typeof candidates === "string") return { why: candidates };
  let why = "";
  for (const values of candidates) {
    const outcome = await ask(client, query, values, bounds);
    // One that lasts was begun, and that is more than a plan.
    if (!("code" in outcome) || outcome.code === CANCELED) return { values, tookMs: outcome.tookMs };
    why = outcome.why;
  }
  return { why };
}

const CANCELED = "57014";
/** Somebody else has the rows. */
const LOCKED = "55P03";

async function candidatesFor(client: Client, { sql, node, tables }: TriedQuery): Promise<readonly Values[]> {
  await client.query("SAVEPOINT tidegate_values");
  try {
    await client.query(`PREPARE tidegate_replay AS ${sql}`);
    const { rows } = await client.query<{ types: string[] }>(
      "SELECT parameter_types::text[] AS types FROM pg_prepared_statements WHERE name = 'tidegate_replay'",
    );
    // It would outlive the transaction.
    await client.query("DEALLOCATE tidegate_replay");
    const types = rows[0]?.types ?? [];
    return types.length === 0 ? [[]] : await valuesFor(client, { types, parameters: parametersOf(node), tables });
  } finally {
    await client.query("ROLLBACK TO SAVEPOINT tidegate_values; RELEASE SAVEPOINT tidegate_values");
  }
}

/** Executes it without its rows being sent. */
async function ask(client: Client, { sql }: TriedQuery, values: Values, { timeoutMs }: ReplayBounds): Promise<Outcome> {
  await client.query(
    `SAVEPOINT tidegate_asks; SET LOCAL statement_timeout = ${timeoutMs}; SET LOCAL lock_timeout = ${Math.min(timeoutMs, 300)}; SET CONSTRAINTS ALL IMMEDIATE`,
  );
  const began = performance.now();
  const took = (): number => Math.round(performance.now() - began);
  try {
    await client.query(`EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF, SUMMARY OFF) ${sql}`, [...values]);
    return { tookMs: took() };
  } catch (error) {
    return { code: errorOf(error).code, why: whyOf(error), tookMs: took() };
  } finally {
    await client.query("ROLLBACK TO SAVEPOINT tidegate_asks; RELEASE SAVEPOINT tidegate_asks");
  }
}

function whyOf(error: unknown): string {
  return onOneLine(error instanceof Error ? error.message : String(error), 200);
}

function whyBroken(outcome: Outcome, { tookMs }: Working, { timeoutMs }: ReplayBounds): string | null {
  if (!("code" in outcome) || outcome.code === LOCKED) return null;
  if (outcome.code !== CANCELED) return outcome.why;
  const isMuchSlower = tookMs < timeoutMs / 10;
  return isMuchSlower
    ? `it does not end within ${formatDuration(timeoutMs)}, and took ${formatDuration(Math.max(1, tookMs))} before`
    : null;
}
