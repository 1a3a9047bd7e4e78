import type { Service, Sticky } from "../../../core/plan/plan.ts";
import type { Slot } from "../../../core/observation.ts";
import type { FragmentPlan } from "./fragment.ts";
import type { HaproxyNames } from "./names.ts";

export const SLOTS: readonly Slot[] = ["blue", "green"];

/**
 * The rules by which a frontend chooses where a request goes. They take nothing from the frontend's own: without a table, and
 * for other requests than the app's, they do nothing.
 */
export function frontendRules(
  { traffic, services }: FragmentPlan,
  { txn, ring, backend }: HaproxyNames,
  map: string,
): readonly string[] {
  const { header } = traffic.pins;
  const on = `{ var(${txn}) -m found }`;
  const may = `{ var(${txn}.may) -m str yes }`;
  const asks = `${on} { req.hdr(${header}) -m found }`;
  const field = (index: number): string => `var(${txn}),field(${index},|)`;
  const holdsTwo = `!{ ${field(5)} -m str none }`;
  const routed = services.filter(({ routes }) => routes.length > 0);
  return [
    "# One line of the map decides, so that each request is decided by one table:",
    "# revision|share|offset|slot of stable|slot of candidate|lease|release",
    ...serviceRules(services, txn),
    `http-request set-var(${txn}) str(route),map(${map}) if { var(${txn}.service) -m found }`,
    `http-request set-var(${txn}.revision) ${field(1)} if ${on}`,
    `http-request set-var(${txn}.share) ${field(2)},add(0) if ${on}`,
    `http-request set-var(${txn}.offset) ${field(3)},add(0) if ${on}`,
    "# A part of the traffic is lent until its lease ends; Tidegate renews it. Over, or not found, it counts as 0.",
    `http-request set-var(${txn}.until) str(lease.),concat(,${txn}.revision),map(${map},1),add(0) if ${on} { ${field(6)} -m str lease }`,
    `http-request set-var(${txn}.share) int(0) if { var(${txn}.until) -m found } { date(0,ms),sub(${txn}.until) -m int ge 0 }`,
    "# The same visitor is in the same of 10000 cohorts in every data plane of Tidegate's.",
    ...visitorRules(traffic.sticky, txn, on),
    `http-request set-var(${txn}.seal) str(seal),map(${map}) if ${on} ${holdsTwo}`,
    ...toldRules(txn),
    `http-request set-var(${txn}.slot) ${field(4)} if ${on}`,
    `http-request set-var(${txn}.slot) ${field(5)} if ${on} { var(${txn}.cohort),add(${txn}.offset),mod(10000),sub(${txn}.share) -m int lt 0 }`,
    `http-request set-var(${txn}.drawn) var(${txn}.slot) if ${on}`,
    "# A candidate that has nobody to take a request leaves it to stable; that counts against it.",
    ...routed.flatMap(({ name }) => SLOTS.map((slot) => spillRule(txn, name, slot, backend(name, slot)))),
    "# Whoever may ask for a version gets it, and what was asked for such a request stays on its side.",
    `http-request set-var(${txn}.slot) var(${txn}.told) if { var(${txn}.told) -m str blue green }`,
    `http-request set-var(${txn}.drawn) str(pinned) if { var(${txn}.told) -m str blue green }`,
    `http-request set-var(${txn}.token) req.hdr(x-tidegate-token),digest(sha256),hex if ${asks}`,
    `http-request set-var(${txn}.may) str(token.),concat(,${txn}.token),map(${map},no) if ${asks}`,
    `http-request set-var(${txn}.asked) req.hdr(${header}) if ${may}`,
    `http-request set-var(${txn}.slot) str(ask.),concat(,${txn}.asked),map(${map},unknown) if ${may}`,
    `http-request set-var(${txn}.drawn) str(pinned) if ${may}`,
    `http-request return status 503 content-type text/plain string "The version that was asked for does not run here." hdr x-tidegate-error unknown-version if { var(${txn}.slot) -m str unknown }`,
    "# While no version has been given any traffic, requests take the frontend's own way.",
    `http-request unset-var(${txn}) if { var(${txn}.slot) -m str none }`,
    "# The instance can pass its side on to the app's other services, and nobody else can choose one.",
    `http-request del-header x-tidegate-token if ${on}`,
    `http-request del-header ${header} if ${on}`,
    `http-request del-header x-tidegate-cohort if ${on}`,
    `http-request set-var(${txn}.side) var(${txn}.cohort) if { var(${txn}.seal) -m found }`,
    `http-request set-var(${txn}.side) var(${txn}.slot) if { var(${txn}.seal) -m found } { var(${txn}.drawn) -m str pinned }`,
    `http-request set-var(${txn}.sign) var(${txn}.side),hmac(sha256,${txn}.seal),ub64enc,bytes(0,16) if { var(${txn}.seal) -m found }`,
    `http-request set-header x-tidegate-cohort %[var(${txn}.side)].%[var(${txn}.sign)] if { var(${txn}.seal) -m found }`,
    "# Streams of events have no end by which they could be judged.",
    `http-response set-var(${txn}.stream) str(stream) if ${on} { res.hdr(content-type) -m beg text/event-stream }`,
    ...cookieRules(traffic.sticky, txn, `${holdsTwo} { be_name -m beg ${ring}. }`),
    `# The backend is ${ring}.SERVICE.SLOT, by the rule \`use_backend\` below.`,
  ];
}

export function useBackend({ txn, ring }: HaproxyNames): string {
  return `use_backend %[str(${ring}.),concat(,${txn}.service,.),concat(,${txn}.slot)] if { var(${txn}) -m found }`;
}

/** Hosts' own routes first, then those for any host; of each the longest path. */
function serviceRules(services: readonly Service[], txn: string): readonly string[] {
  const routes = services.flatMap(({ name, routes: own }) => own.map((route) => ({ ...route, name })));
  const ordered = routes.toSorted(
    (a, b) => Number(b.host !== undefined) - Number(a.host !== undefined) || b.path.length - a.path.length,
  );
  return ordered.map(({ host, path, name }) => {
    const isHost = host === undefined ? "" : ` { req.hdr(host),field(1,:),lower -m str ${host} }`;
    const open = `!{ var(${txn}.service) -m found }${isHost}`;
    const rule = `http-request set-var(${txn}.service) str(${name}) if ${open}`;
    return path === "/" ? rule : `${rule} { path -m str ${path} } or ${open} { path -m beg ${path}/ }`;
  });
}

/** As Tidegate's own proxy does it: a header where one is named, else the cookie, else one is drawn. */
function visitorRules(sticky: Sticky, txn: string, on: string): readonly string[] {
  if (sticky.kind === "none") return [`http-request set-var(${txn}.cohort) rand(10000) if ${on}`];
  const cookie = sticky.kind === "header" ? sticky.cookie : sticky.name;
  const unknown = `${on} !{ var(${txn}.id) -m found }`;
  return [
    ...(sticky.kind === "header"
      ? [`http-request set-var(${txn}.id) req.fhdr(${sticky.name}) if ${on} { req.fhdr(${sticky.name}) -m len gt 0 }`]
      : []),
    `http-request set-var(${txn}.id) req.cook(${cookie}) if ${unknown} { req.cook(${cookie}) -m reg ^[A-Za-z0-9_-]{16,64}$ }`,
    `http-request set-var(${txn}.key) var(${txn}.id),crc32 if { var(${txn}.id) -m found }`,
    `http-request set-var(${txn}.new) uuid() if ${unknown}`,
    `http-request set-var(${txn}.id) var(${txn}.new) if { var(${txn}.new) -m found }`,
    `http-request set-var(${txn}.cohort) var(${txn}.id),crc32,mod(10000) if ${on}`,
  ];
}

/** The side of the request that this one was made for, signed by this very plane: a cohort, or the slot of a pin. */
function toldRules(txn: string): readonly string[] {
  const isTold = `{ var(${txn}.seal) -m found } { req.hdr(x-tidegate-cohort) -m found }`;
  const header = "req.hdr(x-tidegate-cohort)";
  return [
    `http-request set-var(${txn}.claim) ${header},field(1,.) if ${isTold}`,
    `http-request set-var(${txn}.sign) var(${txn}.claim),hmac(sha256,${txn}.seal),ub64enc,bytes(0,16) if ${isTold}`,
    `http-request set-var(${txn}.told) var(${txn}.claim) if ${isTold} { ${header},field(2,.),strcmp(${txn}.sign) eq 0 }`,
    `http-request set-var(${txn}.cohort) var(${txn}.told),add(0) if { var(${txn}.told) -m reg ^[0-9]{1,4}$ }`,
    `http-request unset-var(${txn}.new) if { var(${txn}.told) -m found }`,
  ];
}

function spillRule(txn: string, service: string, slot: Slot, backend: string): string {
  const isThis = `{ var(${txn}.service) -m str ${service} } { var(${txn}.slot) -m str ${slot} }`;
  const isCandidate = `{ var(${txn}),field(5,|) -m str ${slot} } !{ var(${txn}),field(4,|) -m str none }`;
  return `http-request set-var(${txn}.slot) var(${txn}),field(4,|) if ${isThis} { nbsrv(${backend}) eq 0 } ${isCandidate}`;
}

/** Not on answers that shared caches keep, not to who was pinned, and only while there are two versions to stay between. */
function cookieRules(sticky: Sticky, txn: string, isOurs: string): readonly string[] {
  if (sticky.kind === "none") return [];
  const name = sticky.kind === "header" ? sticky.cookie : sticky.name;
  const isNew = `{ var(${txn}.new) -m found }`;
  const caching = "res.hdr(cache-control)";
  const isGiven = `${isNew} !{ var(${txn}.public) -m bool } !{ var(${txn}.drawn) -m str pinned } ${isOurs}`;
  const cookie = `${name}=%[var(${txn}.new)]; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax`;
  return [
    `http-response set-var(${txn}.public) bool(true) if ${isNew} { ${caching} -m reg -i public|s-maxage=|max-age=0*[1-9] } !{ ${caching} -m reg -i private|no-store|no-cache }`,
    `http-response set-var(${txn}.public) bool(true) if ${isNew} !{ ${caching} -m found } { res.hdr(expires) -m found }`,
    `http-response add-header set-cookie "${cookie}" if ${isGiven} !{ ssl_fc }`,
    `http-response add-header set-cookie "${cookie}; Secure" if ${isGiven} { ssl_fc }`,
  ];
}
