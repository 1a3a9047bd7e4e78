/**
 * Runs the tests. `--long` runs the long suite (test/long) instead; a name or path narrows it down:
 * `npm test -- proxy`. Installs what the tests need first, where it may.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";

const LONG = "test/long/**/*.test.ts";

const args = process.argv.slice(2);
const isLong = args.includes("--long");
const words = args.filter((arg) => !arg.startsWith("--"));
const all = isLong ? globSync(LONG) : globSync("test/**/*.test.ts", { exclude: [LONG, "test/fixtures/**"] });
const files = all.filter((file) => words.length === 0 || words.some((word) => file.includes(word))).sort();
if (files.length === 0) {
  process.stderr.write(`No test file matches ${words.join(" ")}.\n`);
  process.exit(1);
}

const servers = spawnSync("sh", ["scripts/test-tools.sh"], { stdio: "inherit" });
if (servers.status !== 0) process.exit(servers.status ?? 1);

// One more than there are cores: files with real servers and processes wait about as long as they work.
const concurrency = Math.max(2, Math.min(5, availableParallelism() + 1));
const run = spawnSync(
  process.execPath,
  ["--test", `--test-concurrency=${concurrency}`, "--test-timeout=300000", "--test-reporter=spec", ...files],
  { stdio: "inherit" },
);
process.exit(run.status ?? 1);
