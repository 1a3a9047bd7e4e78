import type { AssemblyOrder } from "../cli/machinery.ts";
import type { Plan } from "../core/plan/plan.ts";
import { secretsOf } from "../core/plan/secrets.ts";

export function redactorOf(plan: Plan, env: AssemblyOrder["env"]): (text: string) => string {
  const secrets = secretsOf(env);
  secrets.meet(plan);
  return secrets.redact;
}
