import { spawnSync } from "node:child_process";

/** Whether a tool is missing here: its tests are skipped then with this sentence, but for CI, where they fail. */
export function withoutTool(name: string, words: readonly string[]): string | false {
  if (process.env["CI"] === "true") return false;
  const [program = "", ...more] = words;
  return spawnSync(program, more, { stdio: "ignore" }).status === 0
    ? false
    : `${name} is not installed: sh scripts/test-tools.sh`;
}
