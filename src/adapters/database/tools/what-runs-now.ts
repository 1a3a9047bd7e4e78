import { FaultError } from "../../../core/fault.ts";
import type { MigrationPhase } from "../../../core/plan/database.ts";
import { refuseGaps } from "../refuse-problems.ts";
import type { KnownPending } from "./phases.ts";
import type { Tool } from "./tool.ts";

/**
 * Those of the phases. A tool that goes in a row stops before the first of another phase; where one of these phases stands behind that, nothing is
 * run: the version that needs it would start without. Faults: migration-phase-unknown, migration-phase-missing, migration-behind-another.
 */
export function whatRunsNow(
  { name, order }: Pick<Tool, "name" | "order">,
  pending: readonly KnownPending[],
  phases: readonly MigrationPhase[],
): readonly KnownPending[] {
  const unknown = pending.find(({ isUnknown }) => isUnknown);
  if (unknown !== undefined && !phases.includes("contract")) throw phaseUnknown(unknown);
  refuseGaps(
    pending.map(({ revision, phase }) => ({ file: { file: revision.file, name: revision.name, phase } })),
    phases,
  );
  const wanted = pending.filter(({ phase }) => phases.includes(phase));
  const stop = pending.find(({ phase }) => !phases.includes(phase));
  if (order === "any" || stop === undefined) return wanted;
  const at = pending.indexOf(stop);
  const behind = pending.slice(at + 1).find(({ phase }) => phases.includes(phase));
  if (behind === undefined) return wanted;
  const { file, version } = stop.revision;
  throw new FaultError({
    code: "migration-behind-another",
    what: `${behind.revision.file} (${behind.phase}) stands behind ${file} (${stop.phase}), which does not run yet, and ${name} goes in a row. Nothing was run.`,
    ...(stop.note === null ? {} : { detail: [`${file}: ${stop.note}`] }),
    fix: `release what stands behind it later; or, if the version that serves does without what it changes, say so: \`phases: { "${version}": ${behind.phase} }\` beside the tool's folder in the plan file`,
  });
}

/** The new version may need it, and the old one what it takes away. */
function phaseUnknown({ revision: { file, version }, note }: KnownPending): FaultError {
  return new FaultError({
    code: "migration-phase-unknown",
    what: `Nobody can say whether ${file} takes something away from the version that serves. Nothing was run.`,
    ...(note === null ? {} : { detail: [note] }),
    fix: `mend it; or say in the file of which phase it is: \`tidegate: phase=expand\` in a comment; or in the plan, beside the tool's folder: \`phases: { "${version}": expand }\``,
  });
}
