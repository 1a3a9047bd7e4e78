import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type App, createApp, type RunOptions } from "../e2e/support/app.ts";
import { faultOf } from "../e2e/support/release.ts";
import { visit, type Visitors } from "../e2e/support/visitors.ts";
import { buildNodeImage, dockerEngine, type DockerEngine } from "./support/docker-engine.ts";

const SERVER = `require("node:http").createServer((request, response) => { request.resume(); response.setHeader("x-app", "web"); response.end("web"); }).listen(3000)`;

const FILE = `services:
  web:
    image: tidegate-test-node:1
    command: [node, -e, '${SERVER}']
    init: true
    ports: ["3000"]
`;

const PLAN = `app: shop
services: { web: { compose: web, health: / } }
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off }
steps: [{ shift: 100%, for: 1s }]
`;

interface Mistake {
  readonly name: string;
  /** In the place of the compose file, or a line below \`web\`. */
  readonly file?: string;
  readonly line?: string;
  readonly plan?: string;
  readonly env?: RunOptions["env"];
  readonly exit: number;
  readonly code: string;
  readonly where: RegExp;
  readonly says: RegExp;
}

const MISTAKES: readonly Mistake[] = [
  {
    name: "an engine that is not there",
    env: { DOCKER_HOST: "unix:///nowhere/docker.sock" },
    exit: 3,
    code: "release-hindered",
    where: /unix:\/\/\/nowhere\/docker\.sock · from DOCKER_HOST/,
    says: /No Docker engine runs here/,
  },
  {
    name: "a context that nobody made",
    plan: `${PLAN}compose: { context: nowhere }\n`,
    exit: 3,
    code: "release-hindered",
    where: /`compose\.context` of the plan file/,
    says: /no Docker context "nowhere".*docker context ls/s,
  },
  {
    name: "a compose file that is no YAML",
    file: FILE.replace("init: true", "init: [true"),
    exit: 2,
    code: "plan-file-syntax",
    where: /compose\.yaml:\d+/,
    says: /YAML|bracket|flow/i,
  },
  {
    name: "a key that compose does not know",
    line: "portz: [3000]",
    exit: 3,
    code: "release-hindered",
    where: /compose\.yaml:7/,
    says: /portz/,
  },
  {
    name: "a value that compose does not take",
    file: FILE.replace("init: true", "init: perhaps"),
    exit: 3,
    code: "release-hindered",
    where: /compose\.yaml:5/,
    says: /init/,
  },
  {
    name: "the host's own network",
    line: "network_mode: host",
    exit: 2,
    code: "plan-value-invalid",
    where: /compose\.yaml:7/,
    says: /host's own network.*can't listen on one port/s,
  },
  {
    name: "another container's network",
    line: `network_mode: "none"`,
    exit: 3,
    code: "release-hindered",
    where: /compose\.yaml:7/,
    says: /no network of its own/,
  },
  {
    name: "several ports, and nothing that says which",
    file: FILE.replace(`["3000"]`, `["3000", "9229"]`),
    exit: 3,
    code: "release-hindered",
    where: /compose\.yaml:6/,
    says: /several ports \(3000, 9229\).*port: 3000/s,
  },
  {
    name: "neither image nor build",
    file: FILE.replace("    image: tidegate-test-node:1\n", ""),
    exit: 3,
    code: "release-hindered",
    where: /compose\.yaml:2/,
    says: /image/,
  },
  {
    name: "a service that the compose file has not",
    plan: PLAN.replace("compose: web", "compose: wbe"),
    exit: 2,
    code: "plan-name-unknown",
    where: /tidegate\.yaml:2/,
    says: /no service `wbe`; did you mean `web`/,
  },
];

let engine: DockerEngine;
let app: App;
let people: Visitors;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  engine = opened.use(await dockerEngine());
  buildNodeImage(engine, "tidegate-test-node:1");
  app = opened.use(await createApp());
  app.plan(PLAN);
  app.write("compose.yaml", FILE);
  app.commit("Open");
  const ended = await app.tidegate(["release", "--yes", "--json"], { env: withEngine() });
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  people = opened.use(visit(app.port));
});

const withEngine = (): NonNullable<RunOptions["env"]> => ({
  DOCKER_HOST: engine.host,
  DOCKER_CONFIG: engine.env["DOCKER_CONFIG"],
});

describe("a mistake in a compose project is told with its place, and touches no traffic:", () => {
  for (const { name, file, line, plan, env, exit, code, where, says } of MISTAKES)
    it(name, async () => {
      app.plan(plan ?? PLAN);
      app.write("compose.yaml", file ?? (line === undefined ? FILE : `${FILE}    ${line}\n`));
      app.commit(name);
      const ended = await app.tidegate(["release", "--yes", "--json"], { env: { ...withEngine(), ...env } });
      assert.equal(ended.code, exit, ended.stdout + ended.stderr);
      const fault = faultOf(ended);
      assert.equal(fault.code, code, JSON.stringify(fault));
      assert.match(fault.where ?? "", where);
      assert.match(`${fault.what} ${fault.fix ?? ""}`, says);
      const fresh = people.since();
      await people.seen("web", 20);
      assert.deepEqual(fresh().failures, []);
    });

  it("and a container's fixed name is none: released ones have names of their own", async () => {
    app.plan(PLAN);
    app.write("compose.yaml", `${FILE}    container_name: the-only-one\n`);
    app.commit("Name it");
    const shown = await app.tidegate(["plan"], { env: withEngine() });
    assert.match(
      shown.stdout.replaceAll(/\s+/g, " "),
      /container_name: the-only-one.*compose\.yaml:7.*names of their own/,
    );
    const ended = await app.tidegate(["release", "--yes", "--json"], { env: withEngine() });
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.equal(engine.run("ps", "-q", "--filter", "name=the-only-one"), "");
  });

  it("and a port that a shared service publishes is told where the front door is to listen", async () => {
    const shared = `  store:\n    image: tidegate-test-node:1\n    command: [/bin/busybox, sleep, "600"]\n    ports: ["${app.port}:1"]\n`;
    app.write("compose.yaml", `${FILE}    depends_on: [store]\n${shared}`);
    const doctor = await app.tidegate(["doctor"], { env: withEngine() });
    assert.equal(doctor.code, 3, doctor.stdout);
    assert.match(
      doctor.stdout.replaceAll(/\s+/g, " "),
      new RegExp(`it publishes port ${app.port} \\(compose\\.yaml:11\\)`),
    );
  });

  it("with not one request lost in all that", async () => {
    await people.leave();
    assert.deepEqual(people.visits.failures, []);
    const down = await app.tidegate(["down", "--yes"], { env: withEngine() });
    assert.equal(down.code, 0, down.stdout + down.stderr);
  });
});
