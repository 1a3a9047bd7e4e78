/** Emits what is published: dist/ with JavaScript and types, the bin executable. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

// The single executable is made apart (`build:single`), and stays.
const before = existsSync("dist") ? readdirSync("dist") : [];
for (const name of before) if (name !== "tidegate") rmSync(join("dist", name), { recursive: true });
const compiled = spawnSync("tsc", ["-p", "tsconfig.build.json"], { stdio: "inherit" });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
chmodSync("dist/main.js", 0o755);
