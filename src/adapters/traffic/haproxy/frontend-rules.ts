import type { Service } from "../../../core/plan/service.ts";
import type { Sticky } from "../../../core/plan/traffic.ts";
import type { Slot } from "../../../core/observation.ts";
import type { FragmentPlan } from "./fragment.ts";
import type { HaproxyNames } from "./names.ts";

export const SLOTS: readonly Slot[] = ["blue", "green"];

/**
 * The rules by which a frontend chooses where a request goes. Without a table, and for other requests than the app's, they
 * do nothing. HAProxy looks at every rule with every request and has no way past them: so most have no condition, but begin
 * with a variable that is only there when they are needed, which costs the least.
 */
export function frontendRules(plan: FragmentPlan, names: HaproxyNames, map: string): readonly string[] {
  const { traffic, services } = plan;
  const { txn } = names;
  const { header } = traffic.pins;
  const has = (name: string): string => `{ var(${txn}.${name}) -m found }`;
  const set = (name: string, to: string, when?: string): string =>
    `http-request set-var(${txn}.${name}) ${to}${when === undefined ? "" : ` if ${when}`}`;
  const two = (index: number): string => `var(${txn}.two),field(${index},|)`;
  const claimed = "req.hdr(x-tidegate-cohort)";
  const isOver = `{ date(0,ms),sub(${txn}.until) -m int ge 0 }`;
  const isIn = `{ var(${txn}.cohort),add(${txn}.offset),mod(10000),sub(${txn}.share) -m int lt 0 }`;
  const isSide = `{ var(${txn}.told) -m str blue green }`;
  return [
    "# One line of the map decides, so that each request is decided by one table:",
    "# revision|share|offset|slot of stable|slot of candidate|lease|release",
    ...serviceRules(services, txn),
    set("line", `str(route),map(${map})`, isAlways(services) ? undefined : has("service")),
    set("slot", `var(${txn}.line),field(4,|)`),
    "# What follows is for when there are two versions; else `two` is not there.",
    set("two", `var(${txn}.line)`, `${has("line")} !{ var(${txn}.line),field(5,|) -m str none }`),
    set("offset", `${two(3)},add(0)`),
    set("share", `${two(2)},add(0)`),
    "# A part of the traffic is lent until its lease ends; Tidegate renews it. Over, or not found, it counts as 0.",
    set("until", `${two(6)},map(${map},1),add(0)`),
    set("share", "int(0)", `${has("until")} ${isOver}`),
    "# The same visitor is in the same of 10000 cohorts in every data plane of Tidegate's.",
    ...visitorRules(traffic.sticky, txn, has("two")),
    "# What was asked for another request stays on its side, when this plane has signed it.",
    set("seal", `str(seal),map(${map})`, has("two")),
    set("claim", `${claimed},field(1,.)`, has("seal")),
    set("sign", `var(${txn}.claim),hmac(sha256,${txn}.seal),ub64enc,bytes(0,16)`),
    set("told", `var(${txn}.claim)`, `${has("claim")} { ${claimed},field(2,.),strcmp(${txn}.sign) eq 0 }`),
    set("cohort", `var(${txn}.told),add(0)`, `{ var(${txn}.told) -m reg ^[0-9]{1,4}$ }`),
    `http-request unset-var(${txn}.new) if ${has("told")}`,
    "# A candidate that has nobody to take a request leaves it to stable; that counts against it.",
    set("drawn", two(5), isIn),
    set("try", backendName(names, services, "drawn"), has("drawn")),
    set("slot", `var(${txn}.drawn)`, `{ var(${txn}.try),nbsrv gt 0 }`),
    set("slot", `var(${txn}.drawn)`, `${has("drawn")} { var(${txn}.slot) -m str none }`),
    set("slot", `var(${txn}.told)`, isSide),
    set("drawn", "str(pinned)", isSide),
    "# Whoever may ask for a version gets it.",
    set("asked", `req.hdr(${header})`, has("line")),
    set("may", `req.hdr(x-tidegate-token),digest(sha256),hex,map(${map})`, has("asked")),
    set("slot", `str(ask.),concat(,${txn}.asked),map(${map},unknown)`, has("may")),
    set("drawn", "str(pinned)", has("may")),
    `http-request return status 503 content-type text/plain string "The version that was asked for does not run here." hdr x-tidegate-error unknown-version if { var(${txn}.slot) -m str unknown }`,
    "# The instance can pass its side on to the app's other services, and nobody else can choose one.",
    `http-request del-header x-tidegate- -m beg if ${has("line")}`,
    ...(header.startsWith("x-tidegate-") ? [] : [`http-request del-header ${header} if ${has("line")}`]),
    // As text: of a number HAProxy would sign eight bytes, and not know them again in a header.
    `http-request set-var-fmt(${txn}.side) %[var(${txn}.cohort)] if ${has("seal")}`,
    set("side", `var(${txn}.slot)`, `${has("seal")} { var(${txn}.drawn) -m str pinned }`),
    set("sign", `var(${txn}.side),hmac(sha256,${txn}.seal),ub64enc,bytes(0,16)`, has("seal")),
    `http-request set-header x-tidegate-cohort %[var(${txn}.side)].%[var(${txn}.sign)] if ${has("seal")}`,
    "# Streams of events have no end by which they could be judged.",
    `http-response set-var(${txn}.stream) str(stream) if { res.hdr(content-type) -m beg text/event-stream }`,
    ...cookieRules(traffic.sticky, names),
  ];
}

/** While no version has been given any traffic, requests take the frontend's own way. */
export function useBackend({ services }: FragmentPlan, names: HaproxyNames): string {
  const slot = `var(${names.txn}.slot)`;
  return `use_backend %[${backendName(names, services, "slot")}] if { ${slot} -m found } !{ ${slot} -m str none }`;
}

/** The backend of the request's service in the slot that a variable names. */
function backendName({ ring, txn }: HaproxyNames, services: readonly Service[], slot: string): string {
  const [only] = services.filter(({ routes }) => routes.length > 0);
  return isAlways(services) && only !== undefined
    ? `str(${ring}.${only.name}.),concat(,${txn}.${slot})`
    : `str(${ring}.),concat(,${txn}.service,.),concat(,${txn}.${slot})`;
}

/** Whether every request is for the same service. */
function isAlways(services: readonly Service[]): boolean {
  const routes = services.flatMap((service) => service.routes);
  return routes.length === 1 && routes[0]?.host === undefined && routes[0]?.path === "/";
}

/** Hosts' own routes first, then those for any host; of each the longest path. */
function serviceRules(services: readonly Service[], txn: string): readonly string[] {
  if (isAlways(services)) return [];
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
function visitorRules(sticky: Sticky, txn: string, hasTwo: string): readonly string[] {
  if (sticky.kind === "none") return [`http-request set-var(${txn}.cohort) rand(10000) if ${hasTwo}`];
  const cookie = sticky.kind === "header" ? sticky.cookie : sticky.name;
  const isKnown = `{ var(${txn}.id) -m found }`;
  const isOurs = `{ req.cook(${cookie}) -m reg ^[A-Za-z0-9_-]{16,64}$ }`;
  return [
    ...(sticky.kind === "header"
      ? [
          `http-request set-var(${txn}.id) req.fhdr(${sticky.name}) if ${hasTwo} { req.fhdr(${sticky.name}) -m len gt 0 }`,
        ]
      : []),
    `http-request set-var(${txn}.id) req.cook(${cookie}) if ${hasTwo}${sticky.kind === "header" ? ` !${isKnown}` : ""} ${isOurs}`,
    `http-request set-var(${txn}.new) uuid() if ${hasTwo} !${isKnown}`,
    `http-request set-var(${txn}.cohort) var(${txn}.id),crc32,mod(10000)`,
    `http-request set-var(${txn}.cohort) var(${txn}.new),crc32,mod(10000)`,
  ];
}

/** Not on answers that shared caches keep, nor on those of the user's own backends, nor to who was pinned. */
function cookieRules(sticky: Sticky, { txn, ring }: HaproxyNames): readonly string[] {
  if (sticky.kind === "none") return [];
  const name = sticky.kind === "header" ? sticky.cookie : sticky.name;
  const isNew = `{ var(${txn}.new) -m found }`;
  const caching = "res.hdr(cache-control)";
  const isGiven = `${isNew} !{ var(${txn}.public) -m bool } !{ var(${txn}.drawn) -m str pinned } { be_name -m beg ${ring}. }`;
  const cookie = `${name}=%[var(${txn}.new)]; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax`;
  return [
    `http-response set-var(${txn}.public) bool(true) if ${isNew} { ${caching} -m reg -i public|s-maxage=|max-age=0*[1-9] } !{ ${caching} -m reg -i private|no-store|no-cache }`,
    `http-response set-var(${txn}.public) bool(true) if ${isNew} !{ ${caching} -m found } { res.hdr(expires) -m found }`,
    `http-response add-header set-cookie "${cookie}" if ${isGiven} !{ ssl_fc }`,
    `http-response add-header set-cookie "${cookie}; Secure" if ${isGiven} { ssl_fc }`,
  ];
}
