import type { NotifyTarget } from "../../core/plan/receiver.ts";
import type { Path } from "../reading/located.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { Told } from "./context.ts";

type Written = NonNullable<Exclude<PlanConfig["notify"], readonly unknown[]>["webhook"]>;
type One = string | { readonly url: string; readonly secret?: string | undefined };

/** Webhooks by name: `webhook`, `webhook-2`, or as the plan calls them. `{ url, secret }` is one of them, signed. */
export function webhooksOf(written: Written, path: Path, told: Told): readonly NotifyTarget[] {
  if (typeof written === "string") return [webhook("webhook", written)];
  if (Array.isArray(written)) return written.map((one) => webhook("webhook", one));
  const named = written as Readonly<Record<string, One>>;
  const { url, secret, ...others } = named;
  if (typeof url !== "string") return Object.entries(named).map(([name, one]) => webhook(name, one));
  for (const key of Object.keys(others))
    told.plan.push({
      code: "plan-key-unknown",
      what: `\`${key}\` is not known beside the \`url\` of a webhook.`,
      fix: "Known here: url, secret. A webhook can't itself be called `url`.",
      path: [...path, key],
      on: "key",
    });
  if (secret !== undefined && (typeof secret !== "string" || !/^\$\{[A-Z_][A-Z0-9_]*\}$/.test(secret)))
    told.plan.push({
      code: "plan-value-invalid",
      what: "A secret can't stand here in plain text: the plan is kept in the journal.",
      fix: "Write a reference to an environment variable: `secret: ${HOOK_SECRET}`.",
      path: [...path, "secret"],
      on: "value",
      isSecret: true,
    });
  return [webhook("webhook", { url, ...(typeof secret === "string" ? { secret } : {}) })];
}

function webhook(name: string, one: One): NotifyTarget {
  if (typeof one === "string") return { kind: "webhook", name, url: one };
  return { kind: "webhook", name, url: one.url, ...(one.secret === undefined ? {} : { secret: one.secret }) };
}
