import type { Plan } from "../../core/plan/plan.ts";
import type { SmokeFlow, SmokeRequest } from "../../core/smoke/smoke.ts";
import { formatDuration, SECOND } from "../../core/time/time.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { Told } from "./context.ts";
import type { StepContext } from "./steps.ts";

/** What is told to both versions while a share is judged. A flow that fails counts at once: another attempt would hide it. */
export function compileProbes(config: PlanConfig, readSmoke: StepContext["readSmoke"], told: Told): Plan["probes"] {
  if (config.probes === undefined) return undefined;
  const { smoke, every } = config.probes;
  if (every < SECOND)
    told.plan.push({
      code: "plan-value-invalid",
      what: `Every ${formatDuration(every)} would be a load test.`,
      fix: "Give it 1s or more; 5s is usual.",
      path: ["probes", "every"],
      on: "value",
    });
  const once = (request: SmokeRequest): SmokeRequest => ({ ...request, attempts: 1 });
  const flows = readSmoke(smoke, ["probes", "smoke"]);
  return { flows: flows.map((flow): SmokeFlow => ({ ...flow, requests: flow.requests.map(once) })), everyMs: every };
}
