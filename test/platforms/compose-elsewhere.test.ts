import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { type App, createApp, type RunOptions } from "../e2e/support/app.ts";
import type { Ended } from "../e2e/support/command.ts";
import { faultOf, untilShare } from "../e2e/support/release.ts";
import { visit, type Visitors } from "../e2e/support/visitors.ts";
import { type EngineRelay, engineRelay } from "./support/engine-relay.ts";
import { buildNodeImage, dockerEngine, type DockerEngine } from "./support/docker-engine.ts";

const PLAN = `app: shop
services: { web: { compose: web, health: /health, drain: 1s } }
compose: { context: elsewhere, publish: 127.0.0.1 }
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off }
steps: [{ shift: 50%, for: 1s }, { shift: 100%, for: 1s }, retire]
`;

const FILE = `services:
  web:
    build: .
    init: true
    ports: ["3000"]
`;

const server = (name: string): string =>
  `require("node:http").createServer((request, response) => { request.resume(); response.setHeader("x-app", "${name}"); response.end(); }).listen(3000);`;

let engine: DockerEngine;
let relay: EngineRelay;
let app: App;
let people: Visitors;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

const options = (): RunOptions => ({ env: { DOCKER_CONFIG: engine.env["DOCKER_CONFIG"] } });
const run = (...args: readonly string[]): Promise<Ended> => app.tidegate(args, options());

const version = (name: string): string => {
  app.write("server.js", server(name));
  return app.commit(name);
};

/** An engine that is reached over the network: its networks are nobody's here, as far as Tidegate can know. */
before(async () => {
  engine = opened.use(await dockerEngine());
  buildNodeImage(engine, "tidegate-test-node:1");
  relay = opened.use(await engineRelay(engine));
  const env = { ...engine.env, DOCKER_HOST: undefined };
  const context = ["context", "create", "elsewhere", "--docker", `host=${relay.host}`];
  execFileSync("docker", context, { env, stdio: "ignore" });
  app = opened.use(await createApp());
  app.plan(PLAN);
  app.write("compose.yaml", FILE);
  app.write("Dockerfile", 'FROM tidegate-test-node:1\nCOPY server.js /server.js\nCMD ["node", "/server.js"]\n');
});

describe("a Docker engine on another machine, by its context", () => {
  it("is not released to before it is said where its containers are reached", async () => {
    app.plan(PLAN.replace(", publish: 127.0.0.1", ""));
    version("v0");
    const refused = await run("release", "--yes", "--json");
    assert.equal(refused.code, 3, refused.stdout + refused.stderr);
    assert.match(`${faultOf(refused).what} ${faultOf(refused).fix}`, /on another machine.*publish: 10\.0\.0\.5/s);
    app.plan(PLAN);
  });

  it("has its instances reached by ports that they publish", async () => {
    version("v1");
    const ended = await run("release", "--yes", "--json");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    people = opened.use(visit(app.port));
    await people.seen("v1", 20);
    assert.match(engine.run("ps", "--format", "{{.Ports}}"), /^127\.0\.0\.1:\d+->3000\/tcp$/);
  });

  it("has a version follow another, and nothing dropped", async () => {
    version("v2");
    const ended = await run("release", "--yes", "--json");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    await people.seen("v2", 20);
    assert.deepEqual(people.visits.failures, []);
  });

  it("releases a tag of which git knows nothing, and goes back from it", async () => {
    const built = engine.run("images", "--format", "{{.Repository}}:{{.Tag}}", "tidegate/shop-production-web");
    const v1 = built.split("\n").at(-1) ?? "";
    engine.run("tag", v1, "local/shop:1.4.2");
    app.plan(PLAN.replace("compose: web,", "compose: web, image: 'local/shop:${version}',").replace(", retire", ""));
    const ended = await run("release", "1.4.2", "--yes", "--json");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    await people.seen("v1", 20);
    const back = await run("rollback", "--yes", "--json");
    assert.equal(back.code, 0, back.stdout + back.stderr);
    await people.seen("v2", 20);
    assert.deepEqual(people.visits.failures, []);
  });

  it("keeps nobody from putting the traffic back when it hangs", async () => {
    app.plan(PLAN.replace("errors: off", `errors: { rollback: "> 5%", window: 10s, minRequests: 20, breaches: 1 }`));
    app.write(
      "server.js",
      server("bad").replace("response.end()", `response.writeHead(request.url === "/health" ? 200 : 500).end()`),
    );
    app.commit("bad");
    const release = app.start(["release", "--yes", "--json"], options());
    await untilShare(release, 50);
    relay.hang();
    await untilShare(release, 0);
    const fresh = people.since();
    await people.sample(30);
    assert.equal(fresh().by["bad"] ?? 0, 0);
    relay.goOn();
    const ended = await release.ended;
    assert.equal(ended.code, 10, ended.stdout + ended.stderr);
    await people.leave();
    assert.deepEqual(people.visits.failures, []);
  });

  it("is left with nothing of the app after `tidegate down`", async () => {
    const down = await run("down", "--yes");
    assert.equal(down.code, 0, down.stdout + down.stderr);
    assert.equal(engine.run("ps", "-aq"), "");
  });
});
