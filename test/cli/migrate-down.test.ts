import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { it } from "node:test";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { tidegate } from "./support/program.ts";

it("tidegate migrate down asks before it takes back, and not about more than there are", async () => {
  await using app = temporaryFolder();
  mkdirSync(app.file("db"));
  for (const name of ["1_orders", "2_carts"])
    writeFileSync(
      app.file("db", `${name}.sql`),
      `-- migrate:up\nCREATE TABLE t${name} (id int);\n-- migrate:down\nDROP TABLE t${name};\n`,
    );
  const run = (...words: readonly string[]) =>
    tidegate(["migrate", ...words, "--folder", "db", "--database", "sqlite:shop.db"], { cwd: app.path });
  assert.equal((await run("up")).code, 0);
  const asked = await run("down", "2");
  assert.deepEqual([asked.code, /Takes back the newest 2 migrations\./.test(asked.stderr)], [3, true], asked.stderr);
  const tooMany = await run("down", "5");
  assert.equal(tooMany.code, 2);
  assert.match(tooMany.stderr, /^There are 2 migrations applied, and 5 should be taken back\. Nothing was run\.$/m);
  assert.equal((await run("down", "2", "--yes")).code, 0);
});
