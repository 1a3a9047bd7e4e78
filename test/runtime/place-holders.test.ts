import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { fillIn, shellLine, withoutValues } from "../../src/adapters/runtime/place-holders.ts";
import { fillReferences } from "../../src/core/text/references.ts";
import { isFault } from "../contract/runtime.ts";

const OWN = { port: "4001", version: "9f2c1e", dir: "/srv/shop", slot: "green" };
const users = (name: string): string | undefined => ({ TOKEN: "s3cret; rm -rf /" })[name];

describe("a value of env", () => {
  it("gets Tidegate's names and the user's, and keeps what is neither", () => {
    assert.equal(
      fillIn("http://${slot}:${port}/${TOKEN}/$HOME", OWN, users, "env"),
      "http://green:4001/s3cret; rm -rf //$HOME",
    );
  });

  it("leaves what is written with two dollars as the text that it is", () => {
    assert.equal(fillIn("$${TOKEN} $${port} ${port}", OWN, users, "env"), `\${TOKEN} \${port} ${OWN["port"]}`);
  });

  it("is kept without the user's values for a keeper that fills them in after a boot, and comes out the same", () => {
    const own = { ...OWN, dir: "/srv/${TOKEN}" };
    const text = "${slot}:${TOKEN}:$${TOKEN}:${dir}:$HOME";
    const kept = withoutValues(text, own);
    assert.ok(!kept.includes("s3cret"));
    assert.equal(
      fillReferences(kept, { TOKEN: "s3cret" }),
      fillIn(text, own, () => "s3cret", "env"),
    );
  });

  it("with a name that has no value is refused, and the answer says how to give it one", () => {
    assert.throws(() => fillIn("${DATABASE_URL}", OWN, users, "`env.URL` of web"), isFault("undefined-name"));
    assert.throws(
      () => fillIn("${prot}", OWN, users, "`env.URL` of web"),
      (error: { fault: { what: string; where: string; fix: string } }) => {
        assert.equal(error.fault.what, "`${prot}` has no value here.");
        assert.equal(error.fault.where, "`env.URL` of web");
        assert.match(error.fault.fix, /\$\{port\}, \$\{version\}, \$\{dir\}, \$\{slot\}/);
        return true;
      },
    );
  });
});

describe("a shell line", () => {
  it("gets Tidegate's names as text, so that they stand in any quotes", () => {
    assert.equal(
      shellLine(`app --json '{"port": \${port}}' \${version}`, OWN, users, "run"),
      `app --json '{"port": 4001}' 9f2c1e`,
    );
  });

  it("leaves the user's names to the shell: a secret is in no command line, and never read as code", () => {
    const line = shellLine(`printf %s "\${TOKEN}"`, OWN, users, "run");
    assert.equal(line, `printf %s "\${TOKEN}"`);
    assert.equal(shell(line, { TOKEN: "s3cret; rm -rf /" }), "s3cret; rm -rf /");
  });

  it("stands a folder with blanks and quotes in its name", () => {
    const line = shellLine(`printf '%s|' "\${dir}/x" "\${dir}"`, { ...OWN, dir: "/srv/it's a shop" }, users, "run");
    assert.equal(shell(line), "/srv/it's a shop/x|/srv/it's a shop|");
  });

  it("keeps variables that it sets itself, and the shell's own forms", () => {
    const line = `for f in a b; do printf %s "\${f}"; done; NAME=x; printf %s "\${NAME}\${OTHER:-y}"`;
    assert.equal(shell(shellLine(line, OWN, users, "run")), "abxy");
  });

  it("with a name that has no value is refused before anything runs", () => {
    assert.throws(() => shellLine("app --url ${DATABASE_URL}", OWN, users, "run"), isFault("undefined-name"));
    assert.throws(() => shellLine("app ${port}", { version: "1" }, users, "build"), isFault("undefined-name"));
  });
});

function shell(line: string, env: Record<string, string> = {}): string {
  return execFileSync("/bin/sh", ["-c", line], { encoding: "utf8", env: { PATH: process.env["PATH"] ?? "", ...env } });
}
