import { after } from "node:test";
import { runtimeContract } from "../contract/runtime.ts";
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

runtimeContract("compose", async () => {
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
});
