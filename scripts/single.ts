/**
 * Makes dist/tidegate: Tidegate and Node in one executable file, for hosts that have no Node. `npm run build:single`.
 * It is made for the system and processor that it is made on.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { build, type Plugin } from "esbuild";
import { inject } from "postject";
import type { OwnThread } from "../src/local/own-program.ts";

const OUTPUT = resolve(process.argv[2] ?? "dist/tidegate");
/** By which Node knows that a program was put into it. Source: nodejs.org, "Single executable applications". */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

const THREADS: Readonly<Record<OwnThread, string>> = {
  "forecast-worker": "src/cli/simulate/forecast-worker.ts",
  "migrations-thread": "src/adapters/database/sqlite/migrations-thread.ts",
};

/** PostgreSQL's parser looks for its machine code in the file beside its own, which is not there any more. */
const parserInside: Plugin = {
  name: "parser-inside",
  setup: (builder) =>
    builder.onLoad({ filter: /libpg-query[\\/]wasm[\\/]libpg-query\.js$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      const asked = "async function getWasmBinary(binaryFile){";
      if (!text.includes(asked))
        throw new Error(`${path} reads its code in another way: see how it asks for libpg-query.wasm`);
      const inside = 'const code=require("./libpg-query.wasm");return code.default??code;';
      return { contents: text.replace(asked, asked + inside), loader: "js" };
    }),
};

const folder = mkdtempSync(join(tmpdir(), "tidegate-single-"));
try {
  await bundle("src/single-executable.ts", join(folder, "main.cjs"));
  for (const [name, path] of Object.entries(THREADS)) await bundle(path, join(folder, `${name}.cjs`));
  const example = globSync("examples/shop/**/*", { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const files = ["package.json", ...example].map((path) => [path, resolve(path)]);
  writeFileSync(
    join(folder, "settings.json"),
    JSON.stringify({
      main: join(folder, "main.cjs"),
      output: join(folder, "program.blob"),
      disableExperimentalSEAWarning: true,
      useCodeCache: true,
      assets: Object.fromEntries([
        ...files,
        ...Object.keys(THREADS).map((name) => [name, join(folder, `${name}.cjs`)]),
      ]),
    }),
  );
  run(process.execPath, "--experimental-sea-config", join(folder, "settings.json"));
  mkdirSync(dirname(OUTPUT), { recursive: true });
  rmSync(OUTPUT, { force: true });
  copyFileSync(process.execPath, OUTPUT);
  chmodSync(OUTPUT, 0o755);
  // Without the names for debuggers it is a seventh smaller; where the tool is missing it only stays larger.
  spawnSync("strip", [OUTPUT], { stdio: "ignore" });
  await inject(OUTPUT, "NODE_SEA_BLOB", readFileSync(join(folder, "program.blob")), { sentinelFuse: FUSE });
  process.stdout.write(`${OUTPUT}  ${Math.round(statSync(OUTPUT).size / 1e6)} MB\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function bundle(entry: string, output: string): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile: output,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node24",
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: "warning",
    // Nothing lies beside a module any more; what would ask for it asks for an asset.
    define: { "import.meta.url": "MODULE_URL", "import.meta.main": "false", "import.meta.filename": "__filename" },
    loader: { ".wasm": "binary" },
    plugins: [parserInside],
    banner: { js: 'const MODULE_URL = require("node:url").pathToFileURL(process.execPath).href;' },
  });
}

function run(program: string, ...args: string[]): void {
  const ran = spawnSync(program, args, { encoding: "utf8" });
  if (ran.status !== 0) throw new Error(`${program} ${args.join(" ")}: ${ran.stderr}`);
}
