import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { after, it } from "node:test";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { MAIN } from "./support/command.ts";

const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

/** Nothing is closed to root, so that it asks as somebody else; whoever is not root is shut out by the mode alone. */
const isRoot = process.getuid?.() === 0;
const SOMEBODY_ELSE = isRoot ? { uid: 65_534, gid: 65_534 } : {};

it("rollback --now of who may not look at the state says so, and whose it is, instead of doubting the folder", () => {
  const folder = opened.use(temporaryFolder());
  chmodSync(folder.path, 0o755);
  const state = folder.file("state");
  mkdirSync(state);
  writeFileSync(folder.file("state", "routing-table.json"), JSON.stringify({ epoch: 1, table: { release: 1 } }));
  for (const [path, mode] of [
    ["routing-table.json", 0o000],
    [".", isRoot ? 0o700 : 0o000],
  ] as const) {
    chmodSync(folder.file("state", path), mode);
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [MAIN, "rollback", "--now", "--json", "--state", state],
      { cwd: folder.path, env: { PATH: process.env["PATH"] }, encoding: "utf8", timeout: 20_000, ...SOMEBODY_ELSE },
    );
    chmodSync(folder.file("state", path), 0o755);
    assert.equal(status, 3, stdout + stderr);
    const { fault } = JSON.parse(stdout || stderr) as { readonly fault: Readonly<Record<string, string>> };
    assert.equal(fault["code"], "state-not-readable");
    assert.match(fault["what"] ?? "", /^The state folder can't be read by this user/);
    assert.match(fault["cause"] ?? "", /EACCES/);
    assert.match(fault["fix"] ?? "", new RegExp(`sudo -u ${userInfo().username} tidegate rollback --now`));
  }
});
