/**
 * Many releases in a row through one `tidegate serve`: node bench/long-life.ts [--releases 500] [--chart FILE] [--json].
 * Does memory, do descriptors, processes and files stay where they are? Every tenth release is a bad one that is put back.
 */
import { once } from "node:events";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createShopRepository } from "../src/demo/shop-repository.ts";
import { KEEPER_SOCKET, type KeeperState } from "../src/keeper/protocol.ts";
import { callControl } from "../src/local/control-socket.ts";
import { stateFolder } from "../src/local/state-folder.ts";
import { chart } from "./long-life/chart.ts";
import { type Sample, sample } from "./long-life/sample.ts";
import { machine, machineLine, progress, table } from "./measure/output.ts";
import { freePort, startProgram } from "./measure/started-program.ts";
import { keptFolder } from "./measure/kept-folder.ts";
import { scratchFolder } from "./measure/scratch-folder.ts";

const TIDEGATE = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const LOAD = fileURLToPath(new URL("../src/demo/load.ts", import.meta.url));
const SAMPLES = 50;
/** Until caches are filled and old versions are cleared away. */
const SETTLED_AFTER = 0.2;

const { values } = parseArgs({
  options: { releases: { type: "string" }, chart: { type: "string" }, json: { type: "boolean" } },
});
const releases = Number(values.releases ?? 500);

const SHORT = (port: number): string => `
traffic: { embedded: ${port} }
guards: { errors: off, p95: off, restarts: off }
steps:
  - smoke: [GET /health/ready]
  - shift: 30%
    for: 400ms
  - shift: 100%
    for: 400ms
  - retire
`;

await run();

async function run(): Promise<void> {
  await using folder = scratchFolder();
  const shop = folder.file("shop");
  const data = folder.file("data");
  mkdirSync(data);
  await createShopRepository(shop);
  const port = await freePort();
  writeFileSync(join(shop, "tidegate.production.yaml"), SHORT(port));
  const env = { ...process.env, SHOP_DATA: data, PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}` };
  const state = stateFolder(join(shop, ".tidegate"));
  await using _kept = keptFolder(state.path);
  await using serve = startProgram(process.execPath, [TIDEGATE, "serve"], { cwd: shop, env, stdio: "ignore" });
  await release(nextVersion(shop, 0), shop, env, 0);
  await using _load = startProgram(
    process.execPath,
    [LOAD, "--url", `http://127.0.0.1:${port}`, "--rate", "50", "--web-sockets", "2", "--events", "2"],
    { env, stdio: "ignore" },
  );
  const keeper = await callControl<KeeperState>(state.socket(KEEPER_SOCKET), "/state");
  const pids = { engine: serve.pid, keeper: keeper.pid, proxy: keeper.proxy?.pid ?? 0 };
  tell(await samplesOf({ root: folder.path, state: state.path, pids }, shop, env));
}

async function samplesOf(
  place: { readonly root: string; readonly state: string; readonly pids: Readonly<Record<string, number>> },
  shop: string,
  env: NodeJS.ProcessEnv,
): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  const every = Math.max(1, Math.round(releases / SAMPLES));
  let since = performance.now();
  for (let count = 1; count <= releases; count += 1) {
    await release(nextVersion(shop, count), shop, env, count % 10 === 5 ? 10 : 0);
    if (count % every !== 0) continue;
    samples.push(sample(place, count, (performance.now() - since) / every));
    since = performance.now();
    progress(JSON.stringify(samples.at(-1)));
  }
  return samples;
}

/** A commit of its own; each tenth does not answer its smoke test. */
function nextVersion(shop: string, count: number): string {
  const git = (...args: string[]): string => execFileSync("git", args, { cwd: shop, encoding: "utf8" }).trim();
  const isBad = count % 10 === 5;
  git("checkout", "--quiet", "v1");
  if (isBad) writeFileSync(join(shop, "server.ts"), "setInterval(() => {}, 1_000);\n");
  const who = ["-c", "user.name=Bench", "-c", "user.email=bench@example.com"];
  git(...who, "commit", "--quiet", "--all", "--allow-empty", "--message", `Release ${count}`);
  return git("rev-parse", "HEAD");
}

async function release(version: string, cwd: string, env: NodeJS.ProcessEnv, expected: number): Promise<void> {
  await using started = startProgram(process.execPath, [TIDEGATE, "release", version, "--json"], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  if (started.child.stdout !== null)
    createInterface({ input: started.child.stdout }).on("line", (line) => void (lines.push(line) > 5 && lines.shift()));
  const [code] = (await once(started.child, "close")) as [number | null];
  if (code !== expected)
    throw new Error(`A release ended with ${code} where ${expected} was expected: ${lines.join("\n")}`);
}

interface Growth {
  readonly what: string;
  readonly from: number;
  readonly to: number;
  /** For each hundred releases, by least squares. */
  readonly perHundred: number;
}

function growths(samples: readonly Sample[]): readonly Growth[] {
  const settled = samples.filter(({ releases: count }) => count >= releases * SETTLED_AFTER);
  const of = (what: string, value: (sample: Sample) => number): Growth => ({
    what,
    from: value(settled[0] as Sample),
    to: value(settled.at(-1) as Sample),
    perHundred: Math.round(slope(settled.map((each) => [each.releases, value(each)])) * 10_000) / 100,
  });
  const names = Object.keys(settled[0]?.processes ?? {});
  return [
    ...names.map((name) => of(`${name}, MB`, ({ processes }) => processes[name]?.rssMb ?? 0)),
    ...names.map((name) => of(`${name}, descriptors`, ({ processes }) => processes[name]?.openFiles ?? 0)),
    of("processes", ({ processCount }) => processCount),
    of("files in the state folder", ({ files }) => files),
    of("journal, MB", ({ journalMb }) => journalMb),
    of("a release, ms", ({ releaseMs }) => releaseMs),
  ];
}

function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (pick: 0 | 1): number => points.reduce((sum, point) => sum + point[pick], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const spread = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  return spread === 0 ? 0 : points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / spread;
}

function tell(samples: readonly Sample[]): void {
  if (values.chart !== undefined) writeFileSync(values.chart, chart(samples));
  const growth = growths(samples);
  if (values.json === true) {
    process.stdout.write(
      `${JSON.stringify({ type: "bench-long-life", machine: machine(), releases, growth, samples }, null, 2)}\n`,
    );
    return;
  }
  progress("");
  const rows = growth.map(({ what, from, to, perHundred }) => [what, String(from), String(to), String(perHundred)]);
  const first = Math.ceil(releases * SETTLED_AFTER);
  process.stdout.write(
    [
      `${releases} releases of the example shop in a row through one engine, each tenth put back, under load`,
      machineLine(machine()),
      "",
      table(["", `after ${first}`, `after ${releases}`, "per 100 releases"], rows),
      "",
    ].join("\n"),
  );
}
