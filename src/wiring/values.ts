import type { AssemblyOrder } from "../cli/machinery.ts";
import type { Plan } from "../core/plan/plan.ts";
import { secretsOf } from "../core/plan/secrets.ts";

export function redactorOf(plan: Plan, env: AssemblyOrder["env"]): (text: string) => string {
  const secrets = secretsOf(env);
  secrets.meet(plan);
  return secrets.redact;
}

export function defined(env: AssemblyOrder["env"]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
