/**
 * Runs the tests. `--long` runs the long suite (test/long) instead, `--platforms` what needs whole platforms
 * (test/platforms), one file after the other; a name or path narrows it down: `npm test -- proxy`. Installs what the
 * tests need first, where it may. The last line says how many passed.
 */
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

const LONG = "test/long/**/*.test.ts";
const PLATFORMS = "test/platforms/**/*.test.ts";

const args = process.argv.slice(2);
const isLong = args.includes("--long");
const isPlatforms = args.includes("--platforms");
const words = args.filter((arg) => !arg.startsWith("--"));
const all = isLong
  ? globSync(LONG)
  : isPlatforms
    ? globSync(PLATFORMS)
    : globSync("test/**/*.test.ts", { exclude: [LONG, PLATFORMS, "test/fixtures/**"] });
const files = all.filter((file) => words.length === 0 || words.some((word) => file.includes(word))).sort();
if (files.length === 0) {
  process.stderr.write(`No test file matches ${words.join(" ")}.\n`);
  process.exit(1);
}

const servers = spawnSync("sh", ["scripts/test-tools.sh", ...(isPlatforms ? ["platforms"] : [])], { stdio: "inherit" });
if (servers.status !== 0) process.exit(servers.status ?? 1);

// Two a core: files with real servers and processes wait longer than they work.
const concurrency = isPlatforms ? 1 : Math.max(2, Math.min(6, 2 * availableParallelism()));
const folder = mkdtempSync(join(tmpdir(), "tidegate-tests-"));
const counts = join(folder, "counts.txt");
const reporters = { spec: "stdout", "./scripts/count-tests.ts": counts };
const run = spawnSync(
  process.execPath,
  [
    "--test",
    `--test-concurrency=${concurrency}`,
    "--test-timeout=300000",
    ...Object.entries(reporters).flatMap(([reporter, to]) => [
      `--test-reporter=${reporter}`,
      `--test-reporter-destination=${to}`,
    ]),
    ...files,
  ],
  { stdio: "inherit" },
);
process.stdout.write(`\n${readFileSync(counts, "utf8")}`);
rmSync(folder, { recursive: true });
process.exit(run.status ?? 1);
