import { WHOLE } from "../../core/traffic/share.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { Told } from "./context.ts";
import type { Draft } from "./drafts.ts";

/** Whether a twin of stable is compared with: only beside a part of the traffic, and only of what takes any. */
export function compileTwin(config: PlanConfig, drafts: readonly Draft[], hasTraffic: boolean, told: Told): boolean {
  if (!config.twin) return false;
  const hasPart = drafts.some(({ share }) => share !== undefined && share.value < WHOLE);
  if (hasTraffic && hasPart) return true;
  told.plan.push({
    code: "plan-value-invalid",
    what: hasTraffic
      ? "A twin is compared with while the new version has a part of the traffic, and no step gives it less than 100%."
      : "A twin is compared with by what visitors get, and no service of this plan has a route.",
    fix: hasTraffic ? "Add a `shift` below 100%, or remove `twin`." : "Remove `twin`.",
    path: ["twin"],
    on: "key",
  });
  return false;
}
