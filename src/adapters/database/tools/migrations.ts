import type { Client } from "pg";
import { releaseOf, runName } from "../run-name.ts";
import { FaultError } from "../../../core/fault.ts";
import type { Assertion, OwnTool } from "../../../core/plan/database.ts";
import type {
  MigrationsAt,
  Migrations,
  MigrationStatus,
  PendingMigration,
  UpRequest,
} from "../../../ports/migrations.ts";
import { assertionProblems } from "../lost-assertions.ts";
import { type Patience, USUAL_PATIENCE } from "../patience.ts";
import { connectPostgres } from "../postgres/connect.ts";
import { placeOfLedger, readHistory, readLedger } from "../postgres/ledger.ts";
import { lockHolder } from "../postgres/lock.ts";
import { orLost } from "../postgres/run-faults.ts";
import { queriesPlace } from "../postgres/lint-files.ts";
import { openSession, type Session, type SessionAsk } from "../postgres/session.ts";
import type { DatabaseSettings } from "../settings.ts";
import { changesOfRevisions } from "./changes-of-revisions.ts";
import { down } from "./down.ts";
import { requireAddress } from "./goes-by-address.ts";
import { type Known, knowAll } from "./known.ts";
import { type Findings, lintRevisions } from "./lint-revisions.ts";
import { toolOf } from "./of-plan.ts";
import type { KnownPending } from "./phases.ts";
import { sqlOf } from "./printed-sql.ts";
import { reading, type ToolPlace } from "./run-tool.ts";
import { waitForLeftOver } from "./tool-sessions.ts";
import type { CopySchema } from "./trial.ts";
import { up } from "./up.ts";

export interface ToolMigrationSettings extends DatabaseSettings {
  readonly tool: OwnTool;
  /** Under which name the plan has the address in its environment, beside DATABASE_URL; null: none. */
  readonly addressName: string | null;
  /** What programs inherit. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly assertions: readonly Assertion[];
  readonly copySchema: CopySchema;
  /** Absent: what the linter finds and nobody has allowed is refused. */
  readonly lint?: "refuse" | "warn";
  /** A file of the queries of the version that serves, relative to its folder. */
  readonly queries?: string;
  readonly patience?: Partial<Patience>;
}

/**
 * Revisions of a tool that the team uses already, one at a time. The tool's own table stays the truth of what is applied; around it is what Tidegate
 * gives to SQL files too: the lock, the ledger, phases, a look before, and a known state afterwards.
 */
export function createToolMigrations(settings: ToolMigrationSettings): Migrations {
  const { assertions, copySchema } = settings;
  const patience = { ...USUAL_PATIENCE, ...settings.patience };
  const placeOf = ({ directory, signal }: MigrationsAt): ToolPlace => ({
    tool: toolOf(settings.tool, directory),
    database: settings,
    addressName: settings.addressName,
    env: settings.env,
    signal,
  });
  const looking = (signal: AbortSignal) =>
    connectPostgres(settings, { application: "tidegate migrate status", signal });
  const within = async <T>(
    request: MigrationsAt & {
      readonly by: string;
      readonly dryRun: boolean;
      readonly onCopy?: boolean;
      readonly tell: (progress: Waiting) => void;
    },
    { what, release }: { readonly what: string; readonly release: number | null },
    run: (session: Session, place: ToolPlace) => Promise<T>,
  ): Promise<T> => {
    const { signal, by, dryRun, tell } = request;
    const place = placeOf(request);
    await requireAddress(place, request.onCopy === true);
    const application = runName(what, by, release);
    const onWait: SessionAsk["onWait"] = (holder) => tell({ kind: "waiting-for-lock", holder });
    const ask = { application, patience, signal, onWait, onlyTries: dryRun, hasOwnTable: true };
    await using session = await openSession(settings, ask);
    await waitForLeftOver(session.guard, { waitMs: patience.otherRunMs, signal, onWait });
    if (!dryRun) await place.tool.unlock?.(session.guard);
    return await orLost(() => run(session, place));
  };
  return {
    status: async (at) => {
      const place = placeOf(at);
      await using connection = await looking(at.signal);
      const lock = await lockHolder(connection.client);
      // Whoever migrates now changes what would be tried, and a trial lasts as long as they do.
      const trying = lock === null ? ({ tries: "back" } as const) : ({ tries: "nothing", why: BUSY } as const);
      const known = await knowNow(place, connection.client, { copySchema, ...trying });
      const findings = await lintRevisions(place, connection.client, known, queriesPlace(at, settings.queries));
      const status = statusOf(known, findings, lock !== null);
      const lost = await assertionProblems(assertions, (parse) =>
        changesOfRevisions(place, known.pending, known, parse),
      );
      return { ...status, problems: [...status.problems, ...lost], lock };
    },
    up: (request) =>
      within(request, { what: "up", release: request.release }, async (session, place) => {
        const trying = {
          copySchema,
          tries: triesOf(request),
          tell: (count: number) => request.tell({ kind: "trying", count }),
        };
        const known = await knowNow(place, session.work, trying);
        const findings =
          request.onCopy === true
            ? new Map<string, never>()
            : await lintRevisions(place, session.guard, known, queriesPlace(request, settings.queries));
        return await up(session, place, { ...known, findings }, request, settings);
      }),
    down: (request) =>
      within(request, { what: "down", release: releaseOf(request.of) }, async (session, place) => {
        const run = reading(place);
        const revisions = await place.tool.revisions(run);
        const versions = await place.tool.applied({ client: session.guard, run }, revisions);
        const { rows } = await readLedger(session.work, session.place);
        return await down(session, place, { revisions, versions, rows }, request, { assertions, copySchema });
      }),
    baseline: async (at) => {
      const { name, ways } = placeOf(at).tool;
      throw new FaultError({
        code: "usage",
        what: `What is applied stands in ${name}'s own table, and Tidegate takes over what it finds there.`,
        fix: `mark them there: ${ways.mark}`,
      });
    },
    history: async ({ signal }) => {
      await using connection = await looking(signal);
      return await readHistory(connection.client, await placeOfLedger(connection.client, true));
    },
    sqlOf: async (at, version) => {
      const place = placeOf(at);
      await using connection = await looking(at.signal);
      const run = reading(place);
      const revisions = await place.tool.revisions(run);
      const revision = revisions.find((each) => each.version === version);
      if (revision === undefined) return null;
      const applied = await place.tool.applied({ client: connection.client, run }, revisions);
      return await sqlOf(place, revision, { revisions, applied });
    },
  };
}

function triesOf({ onCopy, dryRun }: Pick<UpRequest, "onCopy" | "dryRun">): "nothing" | "forward" | "all forward" {
  if (dryRun) return "all forward";
  return onCopy === true ? "nothing" : "forward";
}

type Waiting = { readonly kind: "waiting-for-lock"; readonly holder: Parameters<SessionAsk["onWait"]>[0] };

async function knowNow(place: ToolPlace, client: Client, trying: Parameters<typeof knowAll>[3]): Promise<Known> {
  const { rows } = await readLedger(client, await placeOfLedger(client, true));
  return await knowAll(place, client, rows, trying);
}

const BUSY = "somebody migrates now";

function statusOf({ standing, pending }: Known, findings: Findings, isBusy: boolean): Omit<MigrationStatus, "lock"> {
  return {
    applied: standing.applied,
    problems: standing.problems,
    pending: pending.map((each) => pendingOf(each, findings.get(each.revision.version), isBusy)),
  };
}

function pendingOf(
  { revision, row, phase, drops, isReversible, note }: KnownPending,
  findings: PendingMigration["findings"],
  isBusy: boolean,
): PendingMigration {
  const { version, file } = revision;
  const begun = isBusy ? "begun" : "begun, and it has not come to its end: it is run again";
  const notes = [...(row === null ? [] : [begun]), ...(note === null ? [] : [note])];
  return {
    version,
    file,
    phase,
    reached: null,
    statements: 0,
    isReversible,
    drops,
    ...(findings === undefined ? {} : { findings }),
    ...(notes.length === 0 ? {} : { note: notes.join("; ") }),
  };
}
