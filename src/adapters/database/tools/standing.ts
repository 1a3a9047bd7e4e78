import type { AppliedMigration, MigrationProblem } from "../../../ports/migrations.ts";
import type { LedgerRow } from "../ledger-row.ts";
import { misspelt } from "../mistakes.ts";
import { edited, gone } from "../standing.ts";
import type { Revision, Tool } from "./tool.ts";

/** What the tool's table has, held against the revisions of a version. */
export interface ToolStanding {
  /** In the tool's order. */
  readonly versions: readonly string[];
  readonly applied: readonly AppliedMigration[];
  readonly pending: readonly { readonly revision: Revision; readonly row: LedgerRow | null }[];
  /** Applied, and not yet so in Tidegate's ledger: by the tool itself, or by a run that was cut off. */
  readonly toAdopt: readonly { readonly revision: Revision; readonly row: LedgerRow | null }[];
  readonly problems: readonly MigrationProblem[];
}

export function toolStandingOf(
  tool: Pick<Tool, "name" | "needsAllFiles" | "order">,
  revisions: readonly Revision[],
  versions: readonly string[],
  rows: ReadonlyMap<string, LedgerRow>,
): ToolStanding {
  const byVersion = new Map(revisions.map((revision) => [revision.version, revision]));
  const missing = versions.filter((version) => !byVersion.has(version));
  // Of one that is unknown to the version nobody knows on what it stands: what the ledger has is applied too.
  const isUnknown = tool.name === "alembic" && missing.length > 0;
  const reached = new Set([
    ...versions,
    ...(isUnknown ? [...rows.values()].filter(({ state }) => state === "applied").map(({ version }) => version) : []),
  ]);
  const applied = revisions.filter(({ version }) => reached.has(version));
  const pending = revisions
    .filter(({ version }) => !reached.has(version))
    .map((revision) => {
      const row = rows.get(revision.version);
      return { revision, row: row?.state === "applying" ? row : null };
    });
  return {
    versions,
    applied: [...reached].map((version) => appliedAs(version, byVersion.get(version), rows.get(version))),
    pending,
    toAdopt: applied
      .map((revision) => ({ revision, row: rows.get(revision.version) ?? null }))
      .filter(({ row }) => row === null || row.state === "applying"),
    problems: [
      ...applied.flatMap((revision) => edited(revision, rows.get(revision.version))),
      ...missing.flatMap((version) => missingFile(tool, version, rows.get(version), pending.length > 0)),
      ...pending.flatMap(({ revision }) => misspelt(revision.file, revision.misspelt)),
      ...pending.flatMap(({ revision }) => outOfOrder(tool, revision, revisions, reached)),
    ],
  };
}

function appliedAs(version: string, revision: Revision | undefined, row: LedgerRow | undefined): AppliedMigration {
  const own = row?.state === "applied" ? row : undefined;
  return {
    version,
    file: revision?.file ?? null,
    phase: own?.phase ?? revision?.phase ?? null,
    appliedAt: own?.appliedAt ?? null,
    tookMs: own?.tookMs ?? null,
    release: own?.release ?? null,
    by: own?.by ?? null,
  };
}

function missingFile(
  { name, needsAllFiles }: Pick<Tool, "name" | "needsAllFiles">,
  version: string,
  row: LedgerRow | undefined,
  isPending: boolean,
): readonly MigrationProblem[] {
  if (!needsAllFiles || !isPending) return gone(row);
  const file = row?.file ?? version;
  return [
    {
      code: "migration-missing",
      file,
      what: `${file} is applied, and its file is not here: ${name} goes nowhere without it.`,
      fix: "take a version that has it, or bring the file back: git log --all -- FILE",
    },
  ];
}

/** The tool itself would run it all the same. */
function outOfOrder(
  { order }: Pick<Tool, "order">,
  { file, version }: Revision,
  revisions: readonly Revision[],
  reached: ReadonlySet<string>,
): readonly MigrationProblem[] {
  const place = revisions.findIndex((each) => each.version === version);
  const later = revisions.slice(place + 1).findLast((each) => reached.has(each.version));
  if (order === "any" || later === undefined || later.parents.length === 0) return [];
  return isBelow(version, later, revisions)
    ? [
        {
          code: "migration-out-of-order",
          file,
          what: `${file} is not applied, and ${later.name}, which comes after it, is.`,
          fix: "give it a newer name; or, if it depends on nothing that came since: tidegate migrate up --out-of-order",
        },
      ]
    : [];
}

/** Of branches none comes before the other. */
function isBelow(version: string, { parents }: Revision, revisions: readonly Revision[]): boolean {
  return parents.some((parent) => {
    if (parent === version) return true;
    const found = revisions.find((each) => each.version === parent);
    return found !== undefined && isBelow(version, found, revisions);
  });
}
