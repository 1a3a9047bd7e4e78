import { randomUUID } from "node:crypto";
import { redactor } from "../../core/text/redact.ts";
import { fillReferences, referencesIn } from "../../core/text/references.ts";
import { fillVariables } from "../../core/smoke/template.ts";
import type { SmokeFlow } from "../../core/smoke/smoke.ts";
import type { Target } from "../../ports/tasks.ts";
import { CookieJar } from "./cookies.ts";

/** What one flow carries on from request to request. */
export interface Story {
  readonly target: Target;
  /** Of the flow's service; undefined: it has no address. */
  readonly baseUrl: string | undefined;
  readonly variables: Readonly<Record<string, string>>;
  readonly cookies: CookieJar;
  save(name: string, value: string): void;
  /** A text of the plan with the user's values, then the flow's variables in it. */
  fill(text: string): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };
  /** From now on the value is not shown. */
  hide(value: string): void;
  /** Hides the known secrets, and what this flow has come to know. */
  redact(text: string): string;
}

/** Names of variables whose values give somebody's rights away. */
const SENSITIVE = /token|secret|passw|session|key|auth|cookie|jwt|csrf|credential/i;

export function beginStory(
  flow: SmokeFlow,
  target: Target,
  values: Readonly<Record<string, string>>,
  redact: (text: string) => string,
): Story {
  const known = { ...values, version: target.version };
  // An app may repeat the request in its answer, and with it the token that pins.
  const hidden = new Set(
    Object.entries(target.headers).flatMap(([name, value]) => (SENSITIVE.test(name) ? [value] : [])),
  );
  const variables: Record<string, string> = {
    version: target.version,
    unique: randomUUID().replaceAll("-", "").slice(0, 12),
  };
  const references = (text: string): string => {
    for (const { name, owner } of referencesIn(text)) {
      const value = values[name];
      if (owner === "user" && value !== undefined) hidden.add(value);
    }
    return fillReferences(text, known);
  };
  for (const [name, value] of Object.entries(flow.variables)) variables[name] = references(value);
  return {
    target,
    baseUrl: target.baseUrls[flow.service],
    variables,
    cookies: new CookieJar(),
    save(name, value) {
      variables[name] = value;
      if (SENSITIVE.test(name)) hidden.add(value);
    },
    fill(text) {
      const unknown = referencesIn(text).find(({ name, owner }) => owner === "user" && !Object.hasOwn(values, name));
      if (unknown !== undefined) {
        return { ok: false, why: `\${${unknown.name}} is neither among the secrets nor in the environment` };
      }
      // Variables last: what an app answered must never be read as a reference to a secret.
      const filled = fillVariables(references(text), variables);
      if (filled.ok) return filled;
      const names = filled.missing.map((name) => `{{${name}}}`).join(" and ");
      return { ok: false, why: `not sent, for ${names} has no value: no request before saved it` };
    },
    hide: (value) => void hidden.add(value),
    redact: (text) => redact(redactor(hidden).text(text)),
  };
}
