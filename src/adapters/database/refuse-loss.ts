import { FaultError } from "../../core/fault.ts";
import type { Loss } from "./loss.ts";
import type { MigrationFile } from "./migration-file.ts";
import type { WayBack } from "./ways-back.ts";

/** Faults: migration-irreversible, migration-edited. */
export function refuseWithoutWay({ name, why }: WayBack<MigrationFile>): void {
  if (why !== null) throw irreversible(name, why);
}

/** `why`: as in a sentence, without its full stop. */
export function irreversible(name: string, why: string): FaultError {
  return new FaultError({
    code: "migration-irreversible",
    what: `${name} can't be taken back: ${why}. Nothing was run.`,
    fix: "write a new migration that does what is needed, or restore a backup",
  });
}

/** Faults: migration-loses-data, with each loss. */
export function refuseLoss(
  all: readonly { readonly way: WayBack<MigrationFile>; readonly losses: readonly Loss[] }[],
): void {
  refuseLosses(
    all.flatMap(({ way, losses }) => [
      ...losses.map(({ what, line }) => `${way.name}:${line} ${what}`),
      ...(losses.length === 0 && way.file?.reversible === "lossy"
        ? [`${way.name} says that its way back loses data (\`-- reversible: lossy\`)`]
        : []),
    ]),
  );
}

const MOST = 20;

/** Faults: migration-loses-data; none where nothing is lost. */
export function refuseLosses(detail: readonly string[]): void {
  if (detail.length === 0) return;
  throw new FaultError({
    code: "migration-loses-data",
    what: "Going back would lose data that nobody gets again. Nothing was run.",
    detail: detail.length <= MOST ? detail : [...detail.slice(0, MOST), `and ${detail.length - MOST} more`],
    fix: "make a backup; then, if it may be lost: tidegate migrate down --accept-loss",
  });
}
