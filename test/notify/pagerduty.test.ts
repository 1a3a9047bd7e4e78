import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createManualClock } from "../../src/adapters/clock/manual.ts";
import { createNotifier } from "../../src/adapters/notify/notifier.ts";
import { FaultError } from "../../src/core/fault.ts";
import type { NotifyTarget } from "../../src/core/plan/receiver.ts";
import { type Handler, httpServer, rawServer } from "../tasks/servers.ts";
import { acting, AT, NEEDED, ROLLED_BACK, send } from "./support.ts";

const PD_KEY = "R03E-very-secret-key";
const PD_TOKEN = "u+very-secret-token";

function pager(url: string, token?: string): NotifyTarget {
  return {
    kind: "pagerduty",
    name: "pager",
    key: "${PD_KEY}",
    url,
    api: url,
    ...(token === undefined ? {} : { token }),
  };
}

function taking(): { readonly handle: Handler; readonly asked: { path: string; body: Record<string, unknown> }[] } {
  const asked: { path: string; body: Record<string, unknown> }[] = [];
  return {
    asked,
    handle: (request, response, body) => {
      asked.push({ path: request.url ?? "", body: JSON.parse(body) as Record<string, unknown> });
      response.writeHead(202).end('{"status":"success","message":"Event processed"}');
    },
  };
}

describe("PagerDuty", () => {
  it("gets an alert that is triggered, acknowledged and resolved under one dedup_key", async () => {
    const { handle, asked } = taking();
    await using server = await httpServer(handle);
    for (const act of ["open", "acknowledge", "resolve"] as const)
      await send(acting(act), pager(server.url), { PD_KEY }).delivered;
    assert.deepEqual(
      asked.map(({ path, body }) => [path, body["event_action"], body["dedup_key"]]),
      ["trigger", "acknowledge", "resolve"].map((action) => ["/v2/enqueue", action, "shop/production/42-x/held-1"]),
    );
    assert.deepEqual(asked[0]?.body, {
      routing_key: PD_KEY,
      event_action: "trigger",
      dedup_key: "shop/production/42-x/held-1",
      client: "Tidegate",
      payload: {
        summary: "shop a1f09c → 9f2c1e production: No figures for 20m.",
        source: "shop production",
        timestamp: new Date(AT).toISOString(),
        severity: "critical",
        class: "needs-person",
        custom_details: {
          app: "shop",
          environment: "production",
          release: 42,
          topic: "needs-person",
          sentence: "No figures for 20m.",
          next: "tidegate ack 42",
        },
      },
    });
  });

  it("gets everything else as change events, and one that may have come is not sent again", async () => {
    const { handle, asked } = taking();
    await using server = await httpServer(handle);
    await send(ROLLED_BACK, pager(server.url), { PD_KEY }).delivered;
    assert.equal(asked[0]?.path, "/v2/change/enqueue");
    assert.deepEqual(Object.keys(asked[0]?.body ?? {}), ["routing_key", "payload"]);
    await using silent = await rawServer(() => undefined);
    const more = { timeoutMs: 200, tries: 1 };
    assert.equal((await send(ROLLED_BACK, pager(silent.url), { PD_KEY }, more).fault()).code, "notification-uncertain");
    // An alert is known by its key.
    assert.equal((await send(NEEDED, pager(silent.url), { PD_KEY }, more).fault()).code, "notification-not-delivered");
  });

  it("that does not know the key says so, and the key is not repeated", async () => {
    await using server = await httpServer((_, response, body) =>
      response.writeHead(400).end(`{"status":"invalid event","errors":["${body.slice(0, 60).replaceAll('"', "'")}"]}`),
    );
    const fault = await send(NEEDED, pager(server.url), { PD_KEY }).fault();
    assert.match(fault.cause ?? "", /^it answers 400: .*invalid event/);
  });
});

describe("who has acknowledged in PagerDuty", () => {
  const asking = async (incidents: unknown, token: string | undefined, status = 200) => {
    const seen: { url: string; token: string | undefined }[] = [];
    await using server = await httpServer((request, response) => {
      seen.push({ url: request.url ?? "", token: request.headers.authorization });
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(incidents));
    });
    const notifier = createNotifier({
      clock: createManualClock(AT),
      redact: (text) => text,
      values: () => ({ PD_KEY, PD_TOKEN }),
      terminal: () => undefined,
    });
    const by = await notifier
      .acknowledgedBy?.("shop/1", pager(server.url, token), new AbortController().signal)
      .catch((error: unknown) => (error instanceof FaultError ? error.fault : error));
    return { by, seen };
  };

  it("is asked for by the alert's key, where a token was given", async () => {
    const acknowledged = {
      status: "acknowledged",
      acknowledgements: [{ acknowledger: { summary: "Eve Moneypenny" } }],
    };
    const { by, seen } = await asking({ incidents: [acknowledged] }, "${PD_TOKEN}");
    assert.equal(by, "Eve Moneypenny, in PagerDuty");
    assert.deepEqual(seen, [
      { url: "/incidents?incident_key=shop%2F1&date_range=all", token: `Token token=${PD_TOKEN}` },
    ]);
  });

  it("is nobody while the incident is open, and not asked for without a token", async () => {
    assert.equal((await asking({ incidents: [{ status: "triggered" }] }, "${PD_TOKEN}")).by, null);
    const without = await asking({ incidents: [] }, undefined);
    assert.deepEqual([without.by, without.seen], [null, []]);
  });

  it("is not known where PagerDuty refuses the token", async () => {
    const { by } = await asking({ error: `no ${PD_TOKEN}` }, "${PD_TOKEN}", 401);
    assert.match(JSON.stringify(by), /acknowledgement-unknown.*it answers 401/);
    assert.ok(!JSON.stringify(by).includes(PD_TOKEN));
  });
});
