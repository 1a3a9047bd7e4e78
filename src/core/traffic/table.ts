import type { InstanceSeen } from "../observation.ts";
import type { Placed } from "../release/event.ts";
import type { Release } from "../release/release.ts";
import { twinOf } from "../release/twin.ts";
import { countingOf } from "./counting.ts";
import type { Backend, Endpoint, RoutingTable } from "./routing.ts";
import { type Share, WHOLE } from "./share.ts";

/** What a table is made of besides the release. */
export interface TableInput {
  readonly release: Release;
  readonly share: Share;
  /** `both`: while the release runs; one of them: what is left after it. */
  readonly on: "both" | "stable" | "candidate";
  readonly instances: readonly InstanceSeen[];
  /** Stable's twin gets its part beside the candidate. */
  readonly hasTwin: boolean;
  readonly draining: ReadonlySet<string>;
  readonly revision: number;
  readonly epoch: number;
  readonly engineToken: string;
}

/** The data plane's whole instruction for a release at a share. Pure. */
export function routingTable(input: TableInput): RoutingTable {
  const { release, on } = input;
  const { plan } = release;
  const first = on === "candidate" ? release.candidate : release.stable;
  const stable = first === null ? null : backendOf(first, input);
  const candidate = on === "both" ? backendOf(release.candidate, input) : null;
  const share = candidate === null ? 0 : input.share;
  const twin = on === "both" && input.hasTwin ? twinOf(release) : null;
  return {
    revision: input.revision,
    epoch: input.epoch,
    app: release.app,
    environment: release.environment,
    release: release.id,
    offset: release.offset,
    stable,
    candidate,
    ...(twin === null ? {} : { twin: backendOf(twin, input) }),
    share,
    routes: plan.services.flatMap(({ name, routes }) => routes.map((route) => ({ ...route, service: name }))),
    sticky: plan.traffic.sticky,
    pins: plan.traffic.pins,
    engineToken: input.engineToken,
    health: Object.fromEntries(
      plan.services.flatMap(({ name, health }) =>
        health === undefined
          ? []
          : [
              [
                name,
                {
                  path: health.ready,
                  everyMs: health.everyMs,
                  timeoutMs: health.timeoutMs,
                  rise: health.rise,
                  fall: health.fall,
                },
              ],
            ],
      ),
    ),
    lease:
      share > 0 && share < WHOLE && stable !== null
        ? { unwatchedMs: plan.unwatched.afterMs, do: plan.unwatched.do }
        : null,
    ...(plan.traffic.pause === undefined ? {} : { pause: plan.traffic.pause }),
    counting: countingOf(release.id, plan),
  };
}

/** A version as the plane sees it, by what runs of it. */
export function backendOf(
  placed: Placed,
  { instances, draining }: Pick<TableInput, "instances" | "draining">,
): Backend {
  const mine = instances.filter(
    ({ version, slot, address }) => version === placed.version && slot === placed.slot && address !== undefined,
  );
  return {
    version: placed.version,
    slot: placed.slot,
    instances: mine.map((instance) => endpoint(instance, draining)),
  };
}

function endpoint(instance: InstanceSeen, draining: ReadonlySet<string>): Endpoint {
  const address = instance.address ?? "";
  const colon = address.lastIndexOf(":");
  return {
    id: instance.id,
    service: instance.service,
    host: address.slice(0, colon).replace(/^\[|\]$/g, ""),
    port: Number(address.slice(colon + 1)),
    draining: draining.has(instance.id),
  };
}
