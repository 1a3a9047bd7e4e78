import assert from "node:assert/strict";
import { after, it } from "node:test";
import { orderOf, runtimeContract, type RuntimeWorld } from "../contract/runtime.ts";
import { WORKER } from "../support/plans.ts";
import { composed, composeWorld } from "./support/compose-world.ts";
import { buildNodeImage, dockerEngine } from "./support/docker-engine.ts";

const NODE = "tidegate-test-node:1";

const FILE = `
services:
  web:
    build: .
    init: true
    ports: ["3000"]
  worker:
    image: ${NODE}
    command: ["/bin/busybox", "sleep", "600"]
    init: true
  crashing:
    image: ${NODE}
    command: ["/bin/busybox", "sh", "-c", "echo one; echo two; echo three; exit 7"]
    ports: ["3000"]
`;

const SERVER = `require("node:http").createServer((_, response) => response.end("ok")).listen(3000, () => console.log("listens"));`;

const engine = await dockerEngine();
buildNodeImage(engine, NODE);
after(() => engine[Symbol.asyncDispose]());

const make = async (): Promise<RuntimeWorld> => {
  const world = composeWorld(engine);
  world.write("compose.yaml", FILE);
  world.write("Dockerfile", `FROM ${NODE}\nCOPY server.js /server.js\nEXPOSE 3000\nCMD ["node", "/server.js"]\n`);
  world.write("server.js", SERVER);
  const first = world.commit("First");
  world.commit("Second");
  const last = world.commit("Third");
  const others: string[] = [];
  return {
    runtime: world.runtime,
    second: () => world.another(),
    versions: [first, last] as const,
    app: world.app,
    environment: world.environment,
    web: composed("web"),
    worker: { ...WORKER, runtime: composed("worker").runtime },
    crashing: composed("crashing"),
    addresses: /^172\.\d+\.\d+\.\d+:3000$/,
    foreign() {
      const id = engine.run("run", "-d", "-p", "127.0.0.1::3000", NODE, "/bin/busybox", "httpd", "-f", "-p", "3000");
      others.push(id);
      return Promise.resolve(engine.run("port", id, "3000/tcp").split("\n")[0] ?? "");
    },
    pass: () => Promise.resolve(),
    async [Symbol.asyncDispose]() {
      for (const id of others) engine.run("rm", "-f", id);
      await world[Symbol.asyncDispose]();
    },
  };
};

runtimeContract("compose", make);

it("compose: a container that was created and never started, because the engine ended then, is stopped and started like any other", async () => {
  await using world = await make();
  const order = await orderOf(world, world.web);
  const { id } = await world.runtime.start(order);
  const container = `${world.app}-${world.environment}-${id}`;
  const labels = JSON.parse(engine.run("inspect", "--format", "{{json .Config.Labels}}", container)) as object;
  const leaveCreated = (): void => {
    engine.run("rm", "-f", container);
    const marks = Object.entries(labels).flatMap(([name, value]) => ["--label", `${name}=${value}`]);
    engine.run("create", "--name", container, ...marks, NODE, "/bin/busybox", "sleep", "600");
  };
  leaveCreated();
  await world.runtime.stop(id, 2_000);
  assert.deepEqual(await world.runtime.instances(), []);
  await world.runtime.start(order);
  leaveCreated();
  const again = await world.runtime.start(order);
  assert.equal(again.state, "running");
  assert.match(again.address ?? "", /:3000$/);
});
