import { createHash } from "node:crypto";
import type { Plan } from "../../../core/plan/plan.ts";
import type { Service } from "../../../core/plan/service.ts";
import type { HaproxyPlan } from "../../../core/plan/traffic.ts";
import type { Slot } from "../../../core/observation.ts";
import { frontendRules, SLOTS, useBackend } from "./frontend-rules.ts";
import { haproxyNames, type HaproxyNames } from "./names.ts";

/** Tidegate's part of an HAProxy configuration, as text. */
export interface Fragment {
  /** For the frontend that takes the app's requests, before its `use_backend` rules. */
  readonly rules: string;
  /** For its end, so that its own rules go first: the backend, and the log. */
  readonly ending: string;
  /** Beside the frontend, in the same file or in one of its own: backends, log ring, digest. */
  readonly sections: string;
  /** Of all that; the running HAProxy can be asked for it. */
  readonly digest: string;
  /** Files that HAProxy opens when it starts. */
  readonly files: { readonly map: string; readonly servers: string };
}

/** What of a plan the fragment is made of. Other changes of a plan need no other configuration. */
export type FragmentPlan = Pick<Plan, "app" | "environment" | "services" | "traffic">;

/** HAProxy's own `option httplog`, which stands before Tidegate's fields where the frontend has no format of its own. */
export const HTTPLOG =
  "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r";

/** What the log ring holds while nobody reads it: some 30 000 requests. */
const RING_BYTES = 8 * 1024 * 1024;

/**
 * The fragment of a plan. Pure. `logFormat`: what the frontend logs by now; Tidegate's fields follow it in the same line,
 * because HAProxy 2.6 has one format for all logs of a frontend.
 */
export function fragmentOf(plan: FragmentPlan, { inside }: HaproxyPlan, logFormat = HTTPLOG): Fragment {
  const names = haproxyNames(plan.app, plan.environment);
  const files = { map: `${inside}/${names.mapFile}`, servers: `${inside}/${names.serversFile}` };
  const rules = frontendRules(plan, names, files.map);
  const sections = sectionsOf(plan, names, files.servers);
  const ending = (format: string): readonly string[] => [
    useBackend(plan, names),
    "# What was served is read from this ring over the runtime socket: Tidegate's fields end the line.",
    `log ring@${names.ring} len 8192 format raw local0`,
    `log-format "${[...(format === "" ? [] : [format.replaceAll('"', '\\"')]), names.logMark].join(" ")}${fieldsOf(names)}"`,
  ];
  // The user's own log format is no part of what Tidegate asks for.
  const asked = [...rules, ...ending(""), ...sections].join("\n");
  const digest = createHash("sha256").update(asked).digest("hex").slice(0, 12);
  return {
    rules: lines(rules),
    ending: lines(ending(logFormat)),
    sections: lines(["global", `    set-var ${names.digestVariable} str(${digest})`, "", ...sections]),
    digest,
    files,
  };
}

/** How many instances of a version HAProxy finds again after a restart. */
export function sparesOf({ replicas }: Pick<Service, "replicas">): number {
  return Math.max(4, replicas * 2);
}

/** In the order in which `log-line.ts` reads them. */
function fieldsOf({ txn }: HaproxyNames): string {
  const own = ["stream", "drawn", "cohort"].map((name) => `%[var(${txn}.${name})]`);
  const [stream = "", drawn = "", cohort = ""] = own;
  const fields = ["%[date(0,ms)]", "%b", "%s", "%ST", "%ts", "%Ta", "%Tr", stream, drawn, cohort];
  return [...fields, `%[var(${txn}.id),crc32]`, "%rc", "%HM", `%[var(${txn}.line)]`, "%HP"].join("|");
}

function sectionsOf({ services, traffic }: FragmentPlan, names: HaproxyNames, servers: string): readonly string[] {
  const routed = services.filter(({ routes }) => routes.length > 0);
  return [
    `ring ${names.ring}`,
    "    format raw",
    "    maxlen 8192",
    `    size ${RING_BYTES}`,
    ...routed.flatMap((service) =>
      SLOTS.flatMap((slot) => ["", ...backendLines(service, slot, names, servers, traffic.timeouts.connectMs)]),
    ),
  ];
}

function backendLines(
  service: Service,
  slot: Slot,
  names: HaproxyNames,
  servers: string,
  connectMs: number,
): readonly string[] {
  const { health } = service;
  const check =
    health === undefined ? "check" : `check inter ${health.everyMs}ms rise ${health.rise} fall ${health.fall}`;
  return [
    `backend ${names.backend(service.name, slot)}`,
    "    mode http",
    '    # Not "random": by that, shares come out too small.',
    "    balance leastconn",
    "    option forwardfor",
    "    http-request set-header x-forwarded-proto https if { ssl_fc }",
    `    timeout connect ${connectMs}ms`,
    ...(health === undefined
      ? []
      : [
          "    option httpchk",
          `    http-check send meth GET uri ${health.ready} ver HTTP/1.1 hdr host 127.0.0.1 hdr user-agent tidegate-health`,
          "    http-check expect status 200-299",
          `    timeout check ${health.timeoutMs}ms`,
        ]),
    "    retries 2",
    "    option redispatch 1",
    "    retry-on conn-failure empty-response",
    "    # What may have been carried out is not sent twice.",
    "    http-request disable-l7-retry unless { method GET HEAD OPTIONS PUT DELETE }",
    "    # While it runs, servers are added and deleted. After a restart the spares are what the file says.",
    "    load-server-state-from-file local",
    `    server-state-file-name ${servers}`,
    "    # A name, because of a server with an address HAProxy takes no other address from there, but only the port.",
    `    server-template spare 1-${sparesOf(service)} unused.invalid:1 init-addr last,none ${check} disabled`,
  ];
}

function lines(each: readonly string[]): string {
  return `${each.join("\n")}\n`;
}
