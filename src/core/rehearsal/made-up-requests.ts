import type { Plan } from "../plan/plan.ts";
import type { SmokeFlow } from "../smoke/smoke.ts";

/** What can be asked of a front door without any harm. */
export interface PlainRequest {
  readonly method: "GET";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Requests that a plan itself knows of: the health of each service with a route, the pages that it warms, what its smoke tests only read,
 * and what it names for a rehearsal.
 */
export function madeUpRequests(plan: Plan): readonly PlainRequest[] {
  const all = plan.services.flatMap(({ name, routes, health }) => {
    const [route] = routes;
    if (route === undefined) return [];
    const headers = route.host === undefined ? {} : { host: route.host };
    const known = [
      ...(health === undefined ? [] : [health.ready]),
      ...plan.steps.flatMap((step) => {
        if (step.kind === "warm" && step.warm.service === name) return step.warm.pages;
        return step.kind === "smoke" ? step.flows.filter(({ service }) => service === name).flatMap(pagesOf) : [];
      }),
    ];
    const below = known.filter((path) => isBelow(path, route.path));
    return (below.length > 0 ? below : [route.path]).map((path) => ({ method: "GET", path, headers }) as const);
  });
  // At the first service with a route, if several have hosts of their own.
  const headers = all[0]?.headers ?? {};
  const own = (plan.rehearsal?.paths ?? []).map((path) => ({ method: "GET", path, headers }) as const);
  return [...new Map([...own, ...all].map((each) => [JSON.stringify(each), each])).values()];
}

/** What carries a value of an earlier answer, or proves who it is, is not asked out of its story. */
function pagesOf({ requests }: SmokeFlow): readonly string[] {
  return requests.flatMap((each) =>
    each.kind === "http" && each.method === "GET" && !each.path.includes("{{") && each.auth === undefined
      ? [each.path]
      : [],
  );
}

function isBelow(path: string, prefix: string): boolean {
  return prefix === "/" || path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}
