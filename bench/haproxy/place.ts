import { fragmentOf } from "../../src/adapters/traffic/haproxy/fragment.ts";
import { createHaproxyTraffic } from "../../src/adapters/traffic/haproxy/traffic.ts";
import type { RoutingTable } from "../../src/core/traffic/routing.ts";
import type { Traffic } from "../../src/ports/traffic.ts";
import { EMPTY_TABLE } from "../../test/proxy/plane-under-test.ts";
import { type HaproxyUnderTest, haproxyUnderTest } from "../../test/support/haproxy.ts";
import { planOf, WEB } from "../../test/support/plans.ts";
import { backendOf } from "../measure/tidegate-proxy.ts";

const { health: _, ...PLAIN } = WEB;

/** A service without a health route, so that what is measured is not its checks. */
export const PLAN = planOf([], { services: [PLAIN] });

/** A real HAProxy with Tidegate's part, and the adapter that steers it. */
export interface HaproxyPlace extends AsyncDisposable {
  readonly haproxy: HaproxyUnderTest;
  readonly traffic: Traffic;
  readonly port: number;
  /** Puts a table in force, like the one before but for these changes. */
  change(changes: Partial<RoutingTable>): Promise<void>;
}

export async function startPlace(): Promise<HaproxyPlace> {
  const haproxy = await haproxyUnderTest();
  haproxy.configure(PLAN);
  await haproxy.start();
  const traffic = createHaproxyTraffic({ app: PLAN.app, environment: PLAN.environment, haproxy: haproxy.haproxy });
  let table: RoutingTable = { ...EMPTY };
  return {
    haproxy,
    traffic,
    port: haproxy.port,
    async change(changes) {
      table = { ...table, ...changes, revision: table.revision + 1 };
      await traffic.write(table, table.revision - 1);
    },
    [Symbol.asyncDispose]: () => haproxy[Symbol.asyncDispose](),
  };
}

/** A version's only instance, in a slot. */
export function versionIn(slot: "blue" | "green", version: string, port: number): NonNullable<RoutingTable["stable"]> {
  return { ...backendOf(version, port), slot };
}

/** The fragment with and without what tells Tidegate of each request. */
export function fragmentWithoutLog(haproxy: HaproxyUnderTest): ReturnType<typeof fragmentOf> {
  const fragment = fragmentOf(PLAN, haproxy.haproxy);
  const ending = fragment.ending.split("\n").filter((line) => line.startsWith("use_backend"));
  return { ...fragment, ending: `${ending.join("\n")}\n` };
}

const EMPTY: RoutingTable = {
  ...EMPTY_TABLE,
  revision: 0,
  app: PLAN.app,
  environment: PLAN.environment,
  release: 1,
  engineToken: "bench",
};
