import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Breakage, VersionName } from "./show/scene.ts";
import type { Stage } from "./stage.ts";

/** As the shop reads it; see its README, "Break it while it runs". */
const FAULTS: Readonly<Record<Breakage, object>> = {
  errors: { errors: 0.2 },
  slowness: { slowMs: 400 },
  crash: { crash: true },
};

export const BREAKAGES: Readonly<Record<Breakage, string>> = {
  errors: "now fails every fifth request",
  slowness: "now takes 400ms longer for every answer",
  crash: "now crashes, and crashes again after every start",
};

/** Breaks a version of the shop while it runs. */
export function breakVersion(stage: Stage, version: VersionName, broken: readonly Breakage[]): void {
  write(stage, { [version]: Object.assign({}, ...broken.map((each) => FAULTS[each])) as object });
}

export function mend(stage: Stage): void {
  write(stage, {});
}

function write({ data }: Stage, faults: object): void {
  writeFileSync(join(data, "faults.json"), JSON.stringify(faults));
}
