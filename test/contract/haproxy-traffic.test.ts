import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { createHaproxyTraffic } from "../../src/adapters/traffic/haproxy/traffic.ts";
import { haproxyUnderTest } from "../support/haproxy.ts";
import { planOf, WEB } from "../support/plans.ts";
import { until } from "../support/until.ts";
import { trafficContract, type TrafficWorld } from "./traffic.ts";

trafficContract("haproxy", haproxyWorld, false);

/** A real HAProxy, which a person started: `ensure` has it started here, so that before there is none. */
async function haproxyWorld(): Promise<TrafficWorld> {
  const { health: _, ...web } = WEB;
  const plan = planOf([], { services: [web] });
  const under = await haproxyUnderTest();
  under.configure(plan);
  const app = createServer((_request, response) => response.end("app"));
  app.listen(0, "127.0.0.1");
  await once(app, "listening");
  let isStarted = false;
  const traffic = createHaproxyTraffic({
    app: plan.app,
    environment: plan.environment,
    haproxy: under.haproxy,
  });
  return {
    traffic: {
      ...traffic,
      async ensure(listeners) {
        if (!isStarted) await under.start();
        isStarted = true;
        await traffic.ensure(listeners);
      },
    },
    listeners: [],
    instance: { host: "127.0.0.1", port: (app.address() as AddressInfo).port },
    async serve(version) {
      const { next } = await traffic.observations(0);
      const response = await fetch(under.url);
      assert.equal(await response.text(), "app");
      await until("the second to be over", async () => {
        const { rows } = await traffic.observations(next);
        return rows.some((each) => each.version === version);
      });
    },
    pass: (time) => delay(time),
    kill: () => under.kill(),
    async [Symbol.asyncDispose]() {
      app.close();
      app.closeAllConnections();
      await under[Symbol.asyncDispose]();
    },
  };
}
