import { equal } from "node:assert/strict";
import { it } from "node:test";
import { allowing } from "../../src/core/migration/refusal.ts";

it("what allows a finding is written as the file's own language has comments", () => {
  const rule = "ban-drop-column";
  const begin = (file: string): string | undefined => allowing({ file, rule }).split(" ")[0];
  equal(allowing({ file: "db/1_a.sql", rule }), "-- tidegate:allow ban-drop-column because …");
  equal(begin("alembic/versions/1_a.py"), "#");
  equal(begin("db/migrate/1_a.rb"), "#");
  equal(begin("migrations/1-a.js"), "//");
  equal(begin("migrations/1_a.ts"), "//");
});
