import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { type App, createApp, type RunOptions } from "../e2e/support/app.ts";
import type { Command } from "../e2e/support/command.ts";
import { faultOf, untilShare } from "../e2e/support/release.ts";
import { until } from "../support/until.ts";
import { buildNodeImage, dockerEngine, type DockerEngine } from "./support/docker-engine.ts";

const PLAN = `app: shop
services:
  api: { compose: api, route: /api, health: /health, drain: 1s }
  web: { compose: web, route: /, health: /health, drain: 1s }
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off }
steps: [{ shift: 50%, for: 20s }, { shift: 100%, for: 1s }, retire]
`;

/** Two replicas of what is published, and an api that nobody outside of the project reaches. */
const FILE = `services:
  web:
    build: .
    init: true
    ports: ["127.0.0.1:\${FIRST}-\${LAST}:3000"]
    scale: 2
  api:
    build: .
    init: true
    expose: ["3000"]
`;

/** Says which container of which version answers, and on /asks which api the web of it finds. */
const server = (version: string): string => `
const http = require("node:http");
const name = "${version} " + require("node:os").hostname();
http.createServer((request, response) => {
  if (request.url !== "/asks") return response.end(name);
  http.get("http://api:3000/", (answer) => answer.pipe(response)).on("error", (error) => response.writeHead(502).end(error.message));
}).listen(3000);
`;

let engine: DockerEngine;
let app: App;
let release: Command;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

const FIRST = 20_000 + (process.pid % 5_000) * 2;
const options = (): RunOptions => ({
  env: {
    DOCKER_HOST: engine.host,
    DOCKER_CONFIG: engine.env["DOCKER_CONFIG"],
    COMPOSE_PROJECT_NAME: "shop",
    FIRST: String(FIRST),
    LAST: String(FIRST + 1),
  },
});
const compose = (...args: readonly string[]): void => {
  execFileSync("docker-compose", args, { cwd: app.folder, env: { ...engine.env, ...options().env }, stdio: "ignore" });
};
/** Which of them answer to new visitors, in so many requests. */
const answers = async (path: string, of = 24): Promise<ReadonlySet<string>> => {
  const all = Array.from({ length: of }, () => answer(path));
  return new Set(await Promise.all(all));
};
const answer = (path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port: app.port, path, agent: false }, (response) => {
      const { statusCode } = response;
      text(response).then((body) => resolve(statusCode === 200 ? body : `status ${statusCode}`), reject);
    });
    asked.on("error", reject).end();
  });

before(async () => {
  engine = opened.use(await dockerEngine());
  buildNodeImage(engine, "tidegate-test-node:1");
  app = opened.use(await createApp());
  app.plan(PLAN);
  app.write("compose.yaml", FILE);
  app.write("Dockerfile", 'FROM tidegate-test-node:1\nCOPY server.js /server.js\nCMD ["node", "/server.js"]\n');
  app.write("server.js", server("old"));
  app.commit("old");
  compose("up", "-d");
  app.write("server.js", server("new"));
  app.commit("new");
});

describe("a compose project of several services that runs", () => {
  it("is not taken over without what a route of the plan asks for", async () => {
    compose("stop", "api");
    const refused = await app.tidegate(["release", "--adopt", `127.0.0.1:${FIRST}`, "--yes", "--json"], options());
    assert.equal(refused.code, 3, refused.stdout + refused.stderr);
    assert.equal(faultOf(refused).code, "adopted-in-part");
    assert.match(faultOf(refused).what, /^api has a route, and nothing that takes its requests/);
    compose("start", "api");
  });

  it("is taken over with all replicas, and with services that publish no port", async () => {
    release = app.start(["release", "--adopt", `127.0.0.1:${FIRST}`, "--yes", "--json"], options());
    const isTakenOver = ({ type, key }: { type?: string; key?: unknown }): boolean =>
      type === "effect-confirmed" && String(key).endsWith("/take-over");
    await release.says("the front door leads to it", isTakenOver, 60_000);
    await until("both replicas answer", async () => {
      const seen = [...(await answers("/"))].filter((each) => each.startsWith("old"));
      return seen.length === 2;
    });
    const api = [...(await answers("/api"))];
    assert.ok(
      api.every((each) => /^(?:old|new) /.test(each)),
      api.join(", "),
    );
  });

  it("has each version's services call their own, though both have one name", async () => {
    await untilShare(release, 50, 1, 60_000);
    await until("both versions answer", async () => (await answers("/")).size >= 3);
    const asked = await answers("/asks");
    assert.equal(asked.size, 2, [...asked].join(", "));
    for (const version of ["old", "new"]) {
      const names = engine
        .run("ps", "--format", "{{.Names}}")
        .split("\n")
        .filter((name) => name.includes("web") && name.startsWith("shop-") === (version === "new"));
      for (const name of names) {
        const found = engine.run("exec", name, "/bin/busybox", "wget", "-qO-", "http://api:3000/");
        assert.match(found, new RegExp(`^${version} `), `${name} finds ${found}`);
      }
    }
    const ended = await release.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const left = [...(await answers("/")), ...(await answers("/api")), ...(await answers("/asks"))];
    assert.ok(
      left.every((each) => each.startsWith("new ")),
      left.join(", "),
    );
  });

  it("is left with nothing of the app after `tidegate down`", async () => {
    const down = await app.tidegate(["down", "--yes"], options());
    assert.equal(down.code, 0, down.stdout + down.stderr);
    assert.equal(engine.run("ps", "-q"), "");
  });
});
