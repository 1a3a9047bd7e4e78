import { equal } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../support/temporary-folder.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

it("an npm script ends as the program that it runs: with its code, or with 128 and the number of its signal", async () => {
  await using folder = temporaryFolder();
  const program = folder.file("program.mjs");
  writeFileSync(
    program,
    `const [how] = process.argv.slice(2);
     if (/^\\d/.test(how)) process.exit(Number(how));
     process.kill(process.pid, how);
     setInterval(() => {}, 1_000);`,
  );
  for (const [how, code] of [
    ["0", 0],
    ["10", 10],
    ["SIGKILL", 137],
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const) {
    const child = spawn(process.execPath, [`${ROOT}/scripts/run.mjs`, relative(ROOT, program), how], {
      stdio: "ignore",
    });
    const [ended] = (await once(child, "exit")) as [number | null];
    equal(ended, code, how);
  }
});
