import { createHash } from "node:crypto";
import type { HaproxyPlan, Plan, Service, Sticky } from "../../../core/plan/plan.ts";
import type { Slot } from "../../../core/observation.ts";
import { haproxyNames, type HaproxyNames } from "./names.ts";

/** Tidegate's part of an HAProxy configuration, as text. */
export interface Fragment {
  /** For the end of the frontend that takes the app's requests: which version a request goes to. */
  readonly frontend: string;
  /** Beside the frontend, anywhere in the file or in one of its own: backends, log ring, digest. */
  readonly sections: string;
  /** Of both; the running HAProxy can be asked for it. */
  readonly digest: string;
  /** Files that HAProxy opens when it starts. */
  readonly files: readonly string[];
}

/** What of a plan the fragment is made of. Other changes of a plan need no other configuration. */
export type FragmentPlan = Pick<Plan, "app" | "environment" | "services" | "traffic">;

/** HAProxy's own `option httplog`, which stands before Tidegate's fields where the frontend has no format of its own. */
export const HTTPLOG =
  "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r";

/** Bytes that the log ring holds while nobody reads it: about 20 000 requests. */
const RING_BYTES = 4 * 1024 * 1024;

const SLOTS: readonly Slot[] = ["blue", "green"];

/**
 * The fragment of a plan. Pure. `logFormat`: what the frontend logs by now; Tidegate's fields follow it in the same line,
 * because HAProxy 2.6 has one format for all logs of a frontend.
 */
export function fragmentOf(plan: FragmentPlan, haproxy: HaproxyPlan, logFormat = HTTPLOG): Fragment {
  const names = haproxyNames(plan.app, plan.environment);
  const folder = haproxy.inside;
  const map = `${folder}/${names.mapFile}`;
  const routed = plan.services.filter(({ routes }) => routes.length > 0);
  const rules = frontendRules(plan, names, map, routed);
  const sections = sectionsOf(plan, names, `${folder}/${names.serversFile}`, routed);
  // The user's own log format is no part of what Tidegate asks for.
  const digest = createHash("sha256")
    .update([...rules, ...sections].join("\n"))
    .digest("hex")
    .slice(0, 12);
  return {
    frontend: lines([...rules, ...logging(names, logFormat)]),
    sections: lines(["global", `    set-var ${names.digestVariable} str(${digest})`, "", ...sections]),
    digest,
    files: [map, `${folder}/${names.serversFile}`],
  };
}

function frontendRules(
  { traffic, services }: FragmentPlan,
  names: HaproxyNames,
  map: string,
  routed: readonly Service[],
): readonly string[] {
  const { header } = traffic.pins;
  const on = "{ var(txn.tg) -m found }";
  return [
    "# The whole decision is in one line of the map, so that each request is decided by one table:",
    "# revision|share|offset|slot of stable|slot of candidate|lease|release",
    ...["tg", "tg_service", "tg_slot", "tg_id", "tg_new"].map((name) => `http-request unset-var(txn.${name})`),
    `http-request set-var(txn.tg) str(route),map(${map})`,
    ...(routed.length === 0 ? [] : serviceRules(services)),
    "# What follows is for this app's requests alone; without a table they take the frontend's own way.",
    "http-request unset-var(txn.tg) unless { var(txn.tg_service) -m found }",
    `http-request set-var(txn.tg_revision) var(txn.tg),field(1,|) if ${on}`,
    `http-request set-var(txn.tg_share) var(txn.tg),field(2,|),add(0) if ${on}`,
    `http-request set-var(txn.tg_offset) var(txn.tg),field(3,|),add(0) if ${on}`,
    "# A partial share holds until its lease ends, which Tidegate renews. Then, and where no lease is found, it counts as 0.",
    `http-request set-var(txn.tg_until) str(lease.),concat(,txn.tg_revision),map(${map},1),add(0) if ${on} { var(txn.tg),field(6,|) -m str lease }`,
    `http-request set-var(txn.tg_share) int(0) if ${on} { var(txn.tg),field(6,|) -m str lease } { date(0,ms),sub(txn.tg_until) -m int ge 0 }`,
    "# Whose request is it? The same visitor gets the same cohort in every data plane of Tidegate's.",
    ...visitorRules(traffic.sticky, on),
    `http-request set-var(txn.tg_slot) var(txn.tg),field(4,|) if ${on}`,
    `http-request set-var(txn.tg_slot) var(txn.tg),field(5,|) if ${on} { var(txn.tg_cohort),add(txn.tg_offset),mod(10000),sub(txn.tg_share) -m int lt 0 }`,
    `http-request set-var(txn.tg_drawn) var(txn.tg_slot) if ${on}`,
    "# A candidate that cannot take the request leaves it to stable; that counts against it.",
    ...routed.flatMap(({ name }) => SLOTS.map((slot) => spillRule(names, name, slot))),
    "# Who may ask for a version gets it.",
    `http-request set-var(txn.tg_token) req.hdr(x-tidegate-token),digest(sha256),hex if ${on} { req.hdr(${header}) -m found }`,
    `http-request set-var(txn.tg_may) str(token.),concat(,txn.tg_token),map(${map},no) if ${on} { req.hdr(${header}) -m found }`,
    `http-request set-var(txn.tg_asked) req.hdr(${header}) if ${on} { var(txn.tg_may) -m str yes }`,
    `http-request set-var(txn.tg_slot) str(ask.),concat(,txn.tg_asked),map(${map},unknown) if ${on} { var(txn.tg_may) -m str yes }`,
    `http-request set-var(txn.tg_drawn) str(pinned) if ${on} { var(txn.tg_may) -m str yes }`,
    `http-request return status 503 content-type text/plain string "The version that was asked for does not run here." hdr x-tidegate-error unknown-version if ${on} { var(txn.tg_slot) -m str unknown }`,
    `http-request return status 503 content-type text/plain string "No version has been given any traffic yet." hdr x-tidegate-error no-table hdr retry-after 1 if ${on} { var(txn.tg_slot) -m str none }`,
    `http-request del-header x-tidegate-token if ${on}`,
    `http-request del-header ${header} if ${on}`,
    `http-request del-header x-tidegate-cohort if ${on}`,
    "# Streams of events have no end by which they could be judged.",
    `http-response set-var(txn.tg_stream) str(stream) if ${on} { res.hdr(content-type) -m beg text/event-stream }`,
    ...cookieRules(traffic.sticky, on),
    `use_backend %[str(${names.ring}.),concat(,txn.tg_service,.),concat(,txn.tg_slot)] if ${on}`,
  ];
}

/** Hosts' own routes first, then those for any host; of each the longest path. */
function serviceRules(services: readonly Service[]): readonly string[] {
  const routes = services.flatMap(({ name, routes: own }) => own.map((route) => ({ ...route, name })));
  const ordered = routes.toSorted(
    (a, b) => Number(b.host !== undefined) - Number(a.host !== undefined) || b.path.length - a.path.length,
  );
  return ordered.map(({ host, path, name }) => {
    const isHost = host === undefined ? "" : ` { req.hdr(host),field(1,:),lower -m str ${host} }`;
    const unset = "!{ var(txn.tg_service) -m found }";
    const rule = `http-request set-var(txn.tg_service) str(${name}) if ${unset}${isHost}`;
    if (path === "/") return rule;
    return `${rule} { path -m str ${path} } or ${unset}${isHost} { path -m beg ${path}/ }`;
  });
}

/** The proxy's own rules: a header where one is named, else the cookie, else one is drawn. */
function visitorRules(sticky: Sticky, on: string): readonly string[] {
  if (sticky.kind === "none") return [`http-request set-var(txn.tg_cohort) rand(10000) if ${on}`];
  const cookie = sticky.kind === "header" ? sticky.cookie : sticky.name;
  const unknown = "!{ var(txn.tg_id) -m found }";
  return [
    ...(sticky.kind === "header"
      ? [`http-request set-var(txn.tg_id) req.fhdr(${sticky.name}) if ${on} { req.fhdr(${sticky.name}) -m len gt 0 }`]
      : []),
    `http-request set-var(txn.tg_id) req.cook(${cookie}) if ${on} ${unknown} { req.cook(${cookie}) -m reg ^[A-Za-z0-9_-]{16,64}$ }`,
    `http-request set-var(txn.tg_key) var(txn.tg_id),crc32 if ${on} { var(txn.tg_id) -m found }`,
    `http-request set-var(txn.tg_new) uuid() if ${on} ${unknown}`,
    `http-request set-var(txn.tg_id) var(txn.tg_new) if ${on} ${unknown}`,
    `http-request set-var(txn.tg_cohort) var(txn.tg_id),crc32,mod(10000) if ${on}`,
  ];
}

/** Not on answers that shared caches keep, not to who was pinned, and only while there are two versions to stay between. */
function cookieRules(sticky: Sticky, on: string): readonly string[] {
  if (sticky.kind === "none") return [];
  const name = sticky.kind === "header" ? sticky.cookie : sticky.name;
  const rest = "Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax";
  const isPublic =
    "{ res.hdr(cache-control) -m reg -i public|s-maxage=|max-age=0*[1-9] } !{ res.hdr(cache-control) -m reg -i private|no-store|no-cache }";
  const isNew = `${on} { var(txn.tg_new) -m found } !{ var(txn.tg_drawn) -m str pinned } !{ var(txn.tg),field(5,|) -m str none }`;
  return [
    `http-response set-var(txn.tg_public) bool(true) if ${isPublic}`,
    `http-response set-var(txn.tg_public) bool(true) if !{ res.hdr(cache-control) -m found } { res.hdr(expires) -m found }`,
    `http-response add-header set-cookie "${name}=%[var(txn.tg_new)]; ${rest}" if ${isNew} !{ var(txn.tg_public) -m bool } !{ ssl_fc }`,
    `http-response add-header set-cookie "${name}=%[var(txn.tg_new)]; ${rest}; Secure" if ${isNew} !{ var(txn.tg_public) -m bool } { ssl_fc }`,
  ];
}

function spillRule(names: HaproxyNames, service: string, slot: Slot): string {
  const isThis = `{ var(txn.tg_service) -m str ${service} } { var(txn.tg_slot) -m str ${slot} }`;
  const isCandidate = `{ var(txn.tg),field(5,|) -m str ${slot} } !{ var(txn.tg),field(4,|) -m str none }`;
  return `http-request set-var(txn.tg_slot) var(txn.tg),field(4,|) if ${isThis} ${isCandidate} { nbsrv(${names.backend(service, slot)}) eq 0 }`;
}

/** Fields of a line, in the order that `log-line.ts` reads them. */
const FIELDS = [
  "%[date(0,ms)]",
  "%b",
  "%s",
  "%ST",
  "%ts",
  "%Ta",
  "%Tr",
  "%[var(txn.tg_stream)]",
  "%[var(txn.tg),field(7,|)]",
  "%[var(txn.tg_revision)]",
  "%[var(txn.tg_drawn)]",
  "%[var(txn.tg_cohort)]",
  "%[var(txn.tg_key)]",
  "%rc",
  "%HM",
  "%HP",
].join("|");

function logging(names: HaproxyNames, logFormat: string): readonly string[] {
  return [
    "# Tidegate reads what was served from this ring, by the runtime socket; its fields end the line.",
    `log ring@${names.ring} len 8192 format raw local0`,
    `log-format "${logFormat.replaceAll('"', '\\"')} ${names.logMark}${FIELDS}"`,
  ];
}

function sectionsOf(
  { traffic }: FragmentPlan,
  names: HaproxyNames,
  serversFile: string,
  routed: readonly Service[],
): readonly string[] {
  return [
    `ring ${names.ring}`,
    "    format raw",
    "    maxlen 8192",
    `    size ${RING_BYTES}`,
    "",
    ...routed.flatMap((service) =>
      SLOTS.flatMap((slot) => [...backendLines(service, slot, names, serversFile, traffic.timeouts.connectMs), ""]),
    ),
  ];
}

/** How many instances of a version HAProxy finds again after a restart. */
export function sparesOf({ replicas }: Pick<Service, "replicas">): number {
  return Math.max(4, replicas * 2);
}

function backendLines(
  service: Service,
  slot: Slot,
  names: HaproxyNames,
  serversFile: string,
  connectMs: number,
): readonly string[] {
  const { health } = service;
  const check =
    health === undefined ? "check" : `check inter ${health.everyMs}ms rise ${health.rise} fall ${health.fall}`;
  return [
    `backend ${names.backend(service.name, slot)}`,
    "    mode http",
    "    balance leastconn",
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
    "    # A request that may have been carried out is not sent twice.",
    "    http-request disable-l7-retry unless { method GET HEAD OPTIONS PUT DELETE }",
    `    http-request set-header x-forwarded-proto https if { ssl_fc }`,
    "    load-server-state-from-file local",
    `    server-state-file-name ${serversFile}`,
    `    server-template spare 1-${sparesOf(service)} 127.0.0.1:1 ${check} disabled`,
  ];
}

function lines(each: readonly string[]): string {
  return `${each.join("\n")}\n`;
}
