import { FaultError } from "../../core/fault.ts";
import type { Loss } from "./loss.ts";
import type { MigrationFile } from "./migration-file.ts";
import type { WayBack } from "./ways-back.ts";

/** Faults: migration-irreversible, migration-edited. */
export function refuseWithoutWay({ name, why }: WayBack<MigrationFile>): void {
  if (why === null) return;
  throw new FaultError({
    code: "migration-irreversible",
    what: `${name} can't be taken back: ${why}. Nothing was run.`,
    fix: "write a new migration that does what is needed, or restore a backup",
  });
}

/** Faults: migration-loses-data, with each loss. */
export function refuseLoss(
  all: readonly { readonly way: WayBack<MigrationFile>; readonly losses: readonly Loss[] }[],
): void {
  const detail = all.flatMap(({ way, losses }) => [
    ...losses.map(({ what, line }) => `${way.name}:${line} ${what}`),
    ...(losses.length === 0 && way.file?.reversible === "lossy"
      ? [`${way.name} says that its way back loses data (\`-- reversible: lossy\`)`]
      : []),
  ]);
  if (detail.length === 0) return;
  throw new FaultError({
    code: "migration-loses-data",
    what: "Going back would lose data that nobody gets again. Nothing was run.",
    detail,
    fix: "make a backup; then, if it may be lost: tidegate migrate down --accept-loss",
  });
}
