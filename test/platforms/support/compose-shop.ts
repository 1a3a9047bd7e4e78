import { execFileSync } from "node:child_process";
import { cpSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { freePort } from "../../../src/adapters/runtime/free-port.ts";
import { type App, createApp, type RunOptions } from "../../e2e/support/app.ts";
import type { Command, Ended } from "../../e2e/support/command.ts";
import { buildNodeImage, dockerEngine, type DockerEngine } from "./docker-engine.ts";
import { buildPostgresImage, buildRedisImage } from "./store-images.ts";

const EXAMPLE = fileURLToPath(new URL("../../../examples/compose-shop", import.meta.url));

/** The example of a shop as a compose project, in a repository of its own, with an engine of its own. */
export interface ComposeShop extends AsyncDisposable {
  readonly app: App;
  readonly engine: DockerEngine;
  /** Where the user's own project publishes `web`, while it runs by compose alone. */
  readonly published: number;
  tidegate(args: readonly string[], options?: RunOptions): Promise<Ended>;
  start(args: readonly string[], options?: RunOptions): Command;
  /** `docker compose …` of the user's, in their folder. */
  compose(...args: readonly string[]): string;
  /** Changes a file of the shop and commits it; answers the sha. */
  change(file: string, from: string, to: string): string;
  /** Puts the files back as the example has them, and commits. */
  mend(): string;
}

/** Builds the images that the example takes from registries out of this machine's own files: half a minute, once. */
export async function composeShop(planText: (app: App) => string): Promise<ComposeShop> {
  await using opened = new AsyncDisposableStack();
  const engine = opened.use(await dockerEngine());
  buildNodeImage(engine, "tidegate-test-node:1");
  buildRedisImage(engine, "tidegate-test-redis:1");
  buildPostgresImage(engine, "tidegate-test-postgres:1");
  const app = opened.use(await createApp());
  app.git("checkout", "--quiet", "-b", "shop");
  cpSync(EXAMPLE, app.folder, { recursive: true });
  const published = await freePort(new Set([app.port]));
  const text = readFileSync(app.file("compose.yaml"), "utf8");
  app.write("compose.yaml", text.replace("8081:3000", `${published}:3000`));
  const images = { NODE_IMAGE: "node", REDIS_IMAGE: "redis", POSTGRES_IMAGE: "postgres" };
  const lines = Object.entries(images).map(([name, image]) => `${name}=tidegate-test-${image}:1`);
  app.write(".env", `${lines.join("\n")}\n`);
  app.write("receipt_key.txt", "a key of the tests\n");
  app.plan(planText(app));
  app.commit("Open the shop");
  const env = { DOCKER_HOST: engine.host, DOCKER_CONFIG: engine.env["DOCKER_CONFIG"] };
  const withEngine = ({ env: more = {}, ...rest }: RunOptions = {}): RunOptions => ({
    ...rest,
    env: { ...env, ...more },
  });
  const all = opened.move();
  return {
    app,
    engine,
    published,
    tidegate: (args, options) => app.tidegate(args, withEngine(options)),
    start: (args, options) => app.start(args, withEngine(options)),
    compose: (...args) =>
      execFileSync("docker-compose", args, {
        cwd: app.folder,
        env: engine.env,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      }),
    change(file, from, to) {
      const before = readFileSync(app.file(file), "utf8");
      if (!before.includes(from)) throw new Error(`${file} has no ${from}`);
      app.write(file, before.replace(from, to));
      return app.commit(`Change ${file}`);
    },
    mend() {
      cpSync(`${EXAMPLE}/src`, app.file("src"), { recursive: true });
      return app.commit("Mend");
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
