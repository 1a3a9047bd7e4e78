import type { Route } from "../../core/plan/service.ts";
import { misread, type Parsed, parsed } from "../../core/text/units.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { Told } from "./context.ts";

const FIX = "Write `host/path` or `/path`: `shop.example.com/`, `/api`.";

/** `shop.example.com/api`, `/api`, `shop.example.com`. */
export function parseRoute(text: string): Parsed<Route> {
  const written = text.trim();
  if (/^[a-z]+:\/\//i.test(written))
    return misread(`\`${written}\` is an address, not a route.`, `Write \`${written.replace(/^[a-z]+:\/\//i, "")}\`.`);
  const slash = written.indexOf("/");
  const host = (slash < 0 ? written : written.slice(0, slash)).toLowerCase();
  const path = slash < 0 ? "/" : written.slice(slash);
  if (/[\s?#*]/.test(written)) return misread(`\`${written}\` is not a route.`, FIX);
  if (/:\d+$/.test(host)) return misread(`\`${written}\` names a port, which routes don't tell apart.`, FIX);
  if (host !== "" && !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(host))
    return misread(`\`${host}\` is not the name of a host.`, FIX);
  // `/api` and `/api/` are the same prefix.
  const prefix = path === "/" ? path : path.replace(/\/+$/, "");
  return parsed({ ...(host === "" ? {} : { host }), path: prefix === "" ? "/" : prefix });
}

/** The routes of every service; the only service of a plan with traffic gets `/` by itself. */
export function compileRoutes(config: PlanConfig, told: Told): ReadonlyMap<string, readonly Route[]> {
  const names = Object.keys(config.services);
  const owners = new Map<string, string>();
  const routes = new Map<string, readonly Route[]>();
  for (const [name, service] of Object.entries(config.services)) {
    const mine: Route[] = [];
    for (const [index, text] of (service.route ?? []).entries()) {
      const path = ["services", name, "route", index];
      // A reference can't stand in a route; that is told elsewhere.
      if (text.includes("${")) continue;
      const result = parseRoute(text);
      if (!result.ok) {
        told.plan.push({ code: "plan-value-invalid", what: result.what, fix: result.fix, path, on: "value" });
        continue;
      }
      const spelled = `${result.value.host ?? ""}${result.value.path}`;
      const owner = owners.get(spelled);
      if (owner !== undefined) {
        const what = `The route \`${spelled}\` belongs to \`${owner}\` already.`;
        const fix = "Each route leads to one service: give one of them another path or host.";
        told.plan.push({ code: "plan-value-invalid", what, fix, path, on: "value" });
        continue;
      }
      owners.set(spelled, name);
      mine.push(result.value);
    }
    routes.set(name, mine);
  }
  const [only] = names;
  if (
    config.traffic !== undefined &&
    names.length === 1 &&
    only !== undefined &&
    config.services[only]?.route === undefined
  )
    routes.set(only, [{ path: "/" }]);
  tellWhoGetsNothing(config, routes, told);
  return routes;
}

function tellWhoGetsNothing(config: PlanConfig, routes: ReadonlyMap<string, readonly Route[]>, told: Told): void {
  const isRouted = Object.values(config.services).some(({ route }) => route !== undefined);
  if (config.traffic !== undefined && !isRouted && routes.size > 1) {
    told.plan.push({
      code: "plan-key-missing",
      what: "No service has a route, so nobody gets the traffic.",
      fix: "Give the service that answers requests a `route`: `route: /`.",
      path: ["services"],
      on: "key",
      isAbsence: true,
    });
  }
  const routed = Object.entries(config.services).find(([, { route }]) => route !== undefined)?.[0];
  if (config.traffic === undefined && routed !== undefined) {
    told.plan.push({
      code: "plan-key-missing",
      what: `\`traffic\` is missing: \`${routed}\` has a route, and nobody splits its traffic.`,
      fix: "Add `traffic: { embedded: 8080 }`: Tidegate's own proxy, on port 8080.",
      path: ["services", routed, "route"],
      on: "key",
      isAbsence: true,
    });
  }
}

/**
 * The service that a path leads to through the front door, with the host that it must be asked for under; or the host
 * under which it leads to the named service. Undefined where no route does.
 */
export function routeFor(
  routes: ReadonlyMap<string, readonly Route[]>,
  path: string,
  service?: string,
): { readonly service: string; readonly host?: string } | undefined {
  const hosts = new Set([...routes.values()].flat().map(({ host }) => host));
  // Where it works under any name, none is put on.
  for (const host of new Set([undefined, ...hosts])) {
    const found = serviceAt(routes, host, path);
    if (found !== undefined && (service === undefined || found === service))
      return { service: found, ...(host === undefined ? {} : { host }) };
  }
  return undefined;
}

/** As the proxy decides: the longest path of the host's own routes, then of those for any host. */
function serviceAt(
  routes: ReadonlyMap<string, readonly Route[]>,
  host: string | undefined,
  path: string,
): string | undefined {
  const fitting = [...routes]
    .flatMap(([service, list]) => list.map((route) => ({ service, route })))
    .filter(({ route }) => covers(route.path, path))
    .sort((a, b) => b.route.path.length - a.route.path.length);
  const own = host === undefined ? undefined : fitting.find(({ route }) => route.host === host);
  return (own ?? fitting.find(({ route }) => route.host === undefined))?.service;
}

function covers(prefix: string, path: string): boolean {
  const bare = path.split("?")[0] ?? path;
  return prefix === "/" || bare === prefix || bare.startsWith(`${prefix}/`);
}
