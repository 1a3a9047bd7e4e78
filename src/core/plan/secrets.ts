import type { Plan } from "./plan.ts";
import { redactor } from "../text/redact.ts";
import { userNamesIn } from "../text/references.ts";

/** The values that plans take from the environment, and what must never be shown of it. Grows with each plan. */
export interface Secrets {
  /** By name, of every plan that was met: only what a plan asks for by name. */
  readonly values: Readonly<Record<string, string>>;
  /** Before anything is done by a plan: what it refers to is hidden from then on. */
  readonly meet: (plan: Plan) => void;
  /** Hides the values of the plans that were met, and those that are secret by their name: an app's log may hold either. */
  readonly redact: (text: string) => string;
}

/** `env`: where the values are; of what a plan does not name, only what is secret by its own name is hidden. */
export function secretsOf(env: Readonly<Record<string, string | undefined>>): Secrets {
  const byName = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && SECRET_NAME.test(name) ? [value] : [],
  );
  const values: Record<string, string> = {};
  let hide = redactor(byName).text;
  return {
    values,
    meet: (plan) => {
      const fresh = userNamesIn(plan).filter((name) => values[name] === undefined && env[name] !== undefined);
      if (fresh.length === 0) return;
      for (const name of fresh) values[name] = env[name] ?? "";
      hide = redactor([...Object.values(values), ...byName]).text;
    },
    redact: (text) => hide(text),
  };
}

const SECRET_NAME = /(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY)$/i;
