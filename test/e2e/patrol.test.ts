import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, it } from "node:test";
import { text } from "node:stream/consumers";
import { until } from "../support/until.ts";
import { type App, createApp } from "./support/app.ts";
import type { Command } from "./support/command.ts";
import { releaseWell } from "./support/release.ts";

/** A server that is ill while there is a file beside its state. */
const SERVER = `
const fs = require("node:fs");
require("node:http").createServer((request, response) => {
  const ill = fs.existsSync(process.env.ILLNESS);
  response.writeHead(ill ? 503 : 200);
  response.end(ill ? "the database is away" : "fine");
}).listen(Number(process.env.PORT), "127.0.0.1");
`;

let app: App;
let serve: Command;
const told: { readonly topic: string; readonly sentence: string }[] = [];
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    told.push(JSON.parse(await text(request)) as (typeof told)[number]);
    response.end();
  };
  const hook = createServer((request, response) => void take(request, response));
  opened.defer(() => void hook.close());
  await once(hook.listen(0, "127.0.0.1"), "listening");
  app.write("server.js", SERVER);
  app.plan(`
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    env: { ILLNESS: "${app.file(".tidegate", "ill")}" }
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
patrol: 500ms
notify: { webhook: { ops: "http://127.0.0.1:${(hook.address() as AddressInfo).port}/" } }
steps: [start, { shift: 100%, for: 200ms }]
`);
  app.version({ name: "v0" });
  await releaseWell(app);
  told.length = 0;
  serve = app.start(["serve"]);
  await serve.tells(/Acts on production/);
});

it("serve goes on checking health when no release runs, and tells people once when it fails", async () => {
  app.write(".tidegate/ill", "");
  await until("the webhook is told", () => told.length > 0);
  assert.equal(told[0]?.topic, "needs-person");
  assert.match(told[0]?.sentence ?? "", /web-blue-0-\w+ does not answer as ready: .*the database is away/);
  await serve.tells(/does not answer as ready: .*the database is away/);
});

it("tells them once when all is well again", async () => {
  rmSync(app.file(".tidegate", "ill"));
  await until("the webhook is told", () => told.length > 1);
  assert.match(told[1]?.sentence ?? "", /^Every instance answers as ready again\.$/);
  assert.equal(told.length, 2, "once for each change");
});

it("ends at SIGTERM, and the app goes on", async () => {
  serve.kill("SIGTERM");
  assert.equal((await serve.ended).code, 0);
  await app.down();
});
