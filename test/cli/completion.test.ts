import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { after, describe, it } from "node:test";
import { COMMANDS } from "../../src/cli/registry.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { tidegate } from "./support/program.ts";

const folder = temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
const script = async (shell: string): Promise<string> => {
  const { code, stdout } = await tidegate(["completion", shell], { cwd: folder.path });
  assert.equal(code, 0);
  return stdout;
};
const has = (shell: string): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;

describe("completion", () => {
  it("completes commands, options and words in bash", { skip: !has("bash") }, async () => {
    const text = await script("bash");
    const complete = (...words: readonly string[]): readonly string[] =>
      execFileSync(
        "bash",
        [
          "-c",
          `eval "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tidegate; printf '%s\\n' "\${COMPREPLY[@]}"`,
          "bash",
          text,
          ...words,
        ],
        { encoding: "utf8" },
      )
        .trim()
        .split("\n");
    assert.deepEqual(complete("tidegate", "re"), ["restore", "rehearse", "release", "resume", "retry"]);
    assert.deepEqual(complete("tidegate", "release", "--su"), ["--supersede"]);
    assert.deepEqual(complete("tidegate", "--json", "status", "--fo"), ["--follow"]);
    assert.deepEqual(complete("tidegate", "--env", "staging", "status", "--fo"), ["--follow"]);
    assert.deepEqual(complete("tidegate", "completion", "z"), ["zsh"]);
  });

  for (const shell of ["zsh", "fish"]) {
    it(`is a script that ${shell} can read, with every command`, async () => {
      const text = await script(shell);
      for (const { name } of COMMANDS) assert.ok(text.includes(name), name);
      if (has(shell)) assert.equal(spawnSync(shell, ["-n", "-c", text]).status, 0);
    });
  }
});
