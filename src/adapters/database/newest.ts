import { FaultError } from "../../core/fault.ts";

/**
 * The newest so many of what is applied; none where nothing is. Faults: migration-not-applied, where somebody asks for more than
 * there are: they think of another database than this one.
 */
export function newest<T>(applied: readonly T[], steps: number): readonly T[] {
  if (applied.length === 0 || steps <= applied.length) return applied.slice(0, steps);
  const are = applied.length === 1 ? "is 1 migration" : `are ${applied.length} migrations`;
  throw new FaultError({
    code: "migration-not-applied",
    what: `There ${are} applied, and ${steps} should be taken back. Nothing was run.`,
    fix: `tidegate migrate status shows them; all of them: tidegate migrate down ${applied.length}`,
  });
}
