import { WHOLE } from "../../core/traffic/share.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { Told } from "./context.ts";
import type { Draft } from "./drafts.ts";

/** Whether a twin of stable is compared with: only beside a part of the traffic, and only of what takes any. */
export function compileTwin(config: PlanConfig, drafts: readonly Draft[], hasTraffic: boolean, told: Told): boolean {
  if (!config.twin) return false;
  const wrong = whatIsWrong(config, drafts, hasTraffic);
  if (wrong !== null) told.plan.push({ code: "plan-value-invalid", ...wrong, path: ["twin"], on: "key" });
  return wrong === null;
}

function whatIsWrong(
  { traffic }: PlanConfig,
  drafts: readonly Draft[],
  hasTraffic: boolean,
): { readonly what: string; readonly fix: string } | null {
  if (!hasTraffic)
    return {
      what: "A twin is compared with by what visitors get, and no service of this plan has a route.",
      fix: "Remove `twin`.",
    };
  if (traffic?.haproxy !== undefined)
    return {
      what: "A twin gets a part of the traffic of its own, which Tidegate's own proxy can give and HAProxy can't yet.",
      fix: "Remove `twin`, or let Tidegate's own proxy split the traffic: `traffic: { embedded: 8080 }`.",
    };
  if (!drafts.some(({ share }) => share !== undefined && share.value < WHOLE))
    return {
      what: "A twin is compared with while the new version has a part of the traffic, and no step gives it less than 100%.",
      fix: "Add a `shift` below 100%, or remove `twin`.",
    };
  return null;
}
