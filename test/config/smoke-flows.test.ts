import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SmokeFlow, SmokeHttp } from "../../src/core/smoke/smoke.ts";
import { load, trimmed } from "./loading.ts";

const SERVICES = `
  app: shop
  services:
    web: { run: node web.js, route: [shop.example.com/, /], health: /health }
    api: { run: node api.js, route: /api, health: /api/health }
    admin: { run: node admin.js, route: admin.example.com/, health: /health }
    feed: { run: node feed.js, route: /feed, health: /health }
    chat: { run: node chat.js, route: /chat }
    worker: { run: node worker.js }
  traffic: { embedded: 8080 }
`;

async function flowsOf(smoke: string, files: Readonly<Record<string, string>> = {}): Promise<readonly SmokeFlow[]> {
  const env = { TOKEN: "x", PASSWORD: "x" };
  const { plan } = await load(`${trimmed(SERVICES)}\nsteps:\n  - ${smoke}\n  - shift: 100%`, { files, env });
  return plan.steps.flatMap((step) => (step.kind === "smoke" ? step.flows : []));
}

function https(flow: SmokeFlow | undefined): readonly SmokeHttp[] {
  return (flow?.requests ?? []).filter((request) => request.kind === "http");
}

describe("A smoke file reads like a story", () => {
  it("of which every sentence is understood", async () => {
    const [flow] = await flowsOf("smoke: smoke/story.yaml", {
      "smoke/story.yaml": `
        somebody orders:
          with: { email: "a-{{unique}}@example.com", count: 2 }
          steps:
            - GET /gone 410
            - name: orders
              post: /orders
              headers: { x-test: 1 }
              auth: { basic: { user: smoke, password: "\${PASSWORD}" } }
              send: { for: "{{email}}", count: 2, lines: [null, true] }
              expect: { status: [200, 201], headers: { location: /orders/ }, contains: created, within: 2s }
              json: { $.id: exists, $.note: { exists: false }, $.n: { at-least: 1 }, $.m: { at-most: 9 }, $.l: { length: 0 } }
              save: { order: $.id, at: "header:location" }
              timeout: 20s
              attempts: 3
            - get: "{{at}}"
              json: { $.total: 12.5, $.paid: false, $.ref: null, "$.for": { matches: "^a-" }, "$['the id']": { equals: exists } }
            - tcp:
            - tcp: 127.0.0.1:5432
            - run: node look.js
          cleanup:
            - delete: /orders/{{order}}
              expect: [200, 404]
      `,
    });
    const [gone, orders, get, own, other, command] = flow?.requests ?? [];
    assert.deepEqual(flow?.variables, { email: "a-{{unique}}@example.com", count: "2" });
    assert.deepEqual([gone?.kind === "http" && gone.expect.status, gone?.name], [[410], "GET /gone"]);
    assert.deepEqual(orders, {
      kind: "http",
      name: "orders",
      method: "POST",
      path: "/orders",
      headers: { "x-test": "1" },
      auth: { kind: "basic", user: "smoke", password: "${PASSWORD}" },
      body: '{"for":"{{email}}","count":2,"lines":[null,true]}',
      expect: {
        status: [200, 201],
        headers: { location: "/orders/" },
        contains: ["created"],
        json: [
          { path: "$.id", operator: "exists", value: true },
          { path: "$.note", operator: "exists", value: false },
          { path: "$.n", operator: "at-least", value: 1 },
          { path: "$.m", operator: "at-most", value: 9 },
          { path: "$.l", operator: "length", value: 0 },
        ],
        withinMs: 2_000,
      },
      save: { order: "$.id", at: "header:location" },
      timeoutMs: 20_000,
      attempts: 3,
    });
    assert.deepEqual(get?.kind === "http" && get.expect.json.map(({ operator, value }) => [operator, value]), [
      ["equals", 12.5],
      ["equals", false],
      ["equals", null],
      ["matches", "^a-"],
      ["equals", "exists"],
    ]);
    assert.deepEqual(own, { kind: "tcp", name: "accepts connections", timeoutMs: 10_000, attempts: 1 });
    assert.deepEqual(other?.kind === "tcp" && other.address, "127.0.0.1:5432");
    assert.deepEqual(command?.kind === "command" && command.command, "node look.js");
    assert.equal(flow?.cleanup.length, 1);
  });

  it("and is one flow named after the file when it is just a list", async () => {
    const [flow] = await flowsOf("smoke: smoke/critical.yaml", { "smoke/critical.yaml": "- GET /\n- GET /agents\n" });
    assert.deepEqual([flow?.name, flow?.requests.length], ["critical", 2]);
  });

  it("and may come in several files, or stand in the plan", async () => {
    const files = { "a.yaml": "- GET /", "b.yaml": "look: [GET /a]\nbuy: [GET /b]" };
    assert.deepEqual(
      (await flowsOf("smoke: [a.yaml, b.yaml]", files)).map(({ name }) => name),
      ["a", "look", "buy"],
    );
    assert.deepEqual(
      (await flowsOf("smoke: [GET /health, { get: /api/x }]")).map(({ name, service }) => [name, service]),
      [["smoke", "web"]],
    );
    assert.deepEqual(
      (await flowsOf("smoke: { look: [GET /feed] }")).map(({ name, service }) => [name, service]),
      [["look", "feed"]],
    );
  });
});

describe("A flow is asked of the service that its first path leads to", () => {
  for (const [path, service] of [
    ["/", "web"],
    ["/api", "api"],
    ["/api/orders?x=/feed", "api"],
    ["/apiary", "web"],
  ] as const)
    it(`${path} → ${service}`, async () => {
      const [flow] = await flowsOf(`smoke: [GET ${path}]`);
      assert.equal(flow?.service, service);
    });

  it("under the host of its route, unless the request names one", async () => {
    const [flow] = await flowsOf(
      "smoke: { x: { service: admin, steps: [GET /, { get: /, headers: { Host: other.example.com } }] } }",
    );
    assert.deepEqual(
      https(flow).map(({ headers }) => headers),
      [{ host: "admin.example.com" }, { Host: "other.example.com" }],
    );
  });
});

describe("Without flows of its own, a smoke test asks every service with a route whether it answers", () => {
  it("on its health path, where that leads to it through the front door too; else by connecting", async () => {
    const flows = await flowsOf("smoke");
    assert.deepEqual(
      flows.map(({ service, requests: [request] }) => [
        service,
        request?.kind === "http" ? `${request.path} @ ${request.headers["host"] ?? "any"}` : request?.kind,
      ]),
      [
        ["web", "/health @ any"],
        ["api", "/api/health @ any"],
        ["admin", "/health @ admin.example.com"],
        ["feed", "tcp"],
        ["chat", "tcp"],
      ],
    );
  });
});
