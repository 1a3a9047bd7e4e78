import { createHaproxyTraffic } from "../../src/adapters/traffic/haproxy/traffic.ts";
import type { Backend, RoutingTable } from "../../src/core/traffic/routing.ts";
import type { Traffic } from "../../src/ports/traffic.ts";
import { type App, EMPTY_TABLE, endpoint, startNamedApp } from "../proxy/plane-under-test.ts";
import { type HaproxyTestOptions, type HaproxyUnderTest, haproxyUnderTest } from "../support/haproxy.ts";
import { planOf, WEB } from "../support/plans.ts";

/** A real HAProxy with two versions behind it, each an app of this process that answers with its name. */
export interface Stage extends AsyncDisposable {
  readonly haproxy: HaproxyUnderTest;
  readonly traffic: Traffic;
  readonly apps: { readonly v1: App; readonly v2: App };
  /** A table of both versions, blue and green, at the revision after the one in force. */
  table(changes?: Partial<RoutingTable>): Promise<RoutingTable>;
  /** Puts such a table in force. */
  write(changes?: Partial<RoutingTable>): Promise<RoutingTable>;
}

const { health: _, ...PLAIN } = WEB;

/** Without a health route, so that an instance is up when it takes connections. */
export const PLAN = planOf([], { services: [PLAIN] });

export async function startStage(options: HaproxyTestOptions & { readonly apps?: Stage["apps"] } = {}): Promise<Stage> {
  const stack = new AsyncDisposableStack();
  const apps = options.apps ?? { v1: await startNamedApp("v1"), v2: await startNamedApp("v2") };
  stack.defer(async () => {
    await Promise.all([apps.v1.close(), apps.v2.close()]);
  });
  const haproxy = stack.use(await haproxyUnderTest());
  haproxy.configure(PLAN, options);
  await haproxy.start();
  const traffic = createHaproxyTraffic({ app: "shop", environment: PLAN.environment, haproxy: haproxy.haproxy });
  const sides = { stable: side("v1", "blue", apps.v1), candidate: side("v2", "green", apps.v2) };
  const stage: Stage = {
    haproxy,
    traffic,
    apps,
    async table(changes = {}) {
      const state = await traffic.read();
      return tableOf({ revision: (state?.table?.revision ?? 0) + 1, ...sides, ...changes });
    },
    async write(changes = {}) {
      const table = await stage.table(changes);
      await traffic.write(table, table.revision - 1);
      return table;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
  return stage;
}

export function side(version: string, slot: Backend["slot"], app: App): Backend {
  return { version, slot, instances: [endpoint(`web-${slot}-1`, app)] };
}

export function tableOf(changes: Partial<RoutingTable>): RoutingTable {
  return { ...EMPTY_TABLE, environment: PLAN.environment, release: 7, ...changes };
}
