import { resolve } from "node:path";
import type { Endpoint } from "../../core/plan/source.ts";
import { referencesIn } from "../../core/text/references.ts";
import type { Path } from "../reading/located.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { Told } from "./context.ts";

type EndpointConfig = NonNullable<NonNullable<PlanConfig["metrics"]>["prometheus"]>;

/** Headers that let somebody in, whatever they are called. */
const SECRET_HEADER = /auth|token|key|secret|cookie|password/i;

/** Where a source is asked, with what lets one in as references alone. */
export function compileEndpoint(written: EndpointConfig, path: Path, folder: string, told: Told): Endpoint {
  const { url, headers = {}, bearer, basic, ca } = typeof written === "string" ? { url: written } : written;
  const mustBeReference = (value: string | undefined, at: Path): void => {
    if (value === undefined || referencesIn(value).some(({ owner }) => owner === "user")) return;
    told.plan.push({
      code: "plan-value-invalid",
      what: "A secret can't stand here in plain text: the plan is kept in the journal.",
      fix: "Write a reference to an environment variable: `${METRICS_TOKEN}`.",
      path: at,
      on: "value",
      part: value,
      isSecret: true,
    });
  };
  // I8: the plan travels in the journal.
  mustBeReference(bearer, [...path, "bearer"]);
  mustBeReference(basic?.password, [...path, "basic", "password"]);
  for (const [name, value] of Object.entries(headers))
    if (SECRET_HEADER.test(name)) mustBeReference(value, [...path, "headers", name]);
  const secret = /^[a-z][a-z0-9+]*:\/\/[^/@]*:([^/@]+)@/i.exec(url)?.[1];
  mustBeReference(secret, typeof written === "string" ? path : [...path, "url"]);
  return {
    url,
    headers,
    ...(bearer === undefined ? {} : { bearer }),
    ...(basic === undefined ? {} : { basic }),
    ...(ca === undefined ? {} : { ca: resolve(folder, ca) }),
  };
}
