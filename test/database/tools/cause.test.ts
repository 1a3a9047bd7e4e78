import { equal } from "node:assert/strict";
import { it } from "node:test";
import { causeIn } from "../../../src/adapters/database/tools/tool-output.ts";

it("what a tool died of is told in its own words, not that or where it died", () => {
  equal(
    causeIn([
      "== 20260103 Idx: migrating ====",
      "bin/rails aborted!",
      "StandardError: An error has occurred, all later migrations canceled:",
      "",
      "boom in the middle",
      "/app/db/migrate/20260103_idx.rb:5:in `change'",
    ]),
    "boom in the middle",
  );
  equal(
    causeIn([
      "/usr/lib/ruby/bundler/definition.rb:507:in `materialize': Could not find gem 'rails' in locally installed gems. (Bundler::GemNotFound)",
      "\tfrom /usr/lib/ruby/bundler/definition.rb:190:in `specs'",
      "\tfrom bin/rails:3:in `<main>'",
    ]),
    "/usr/lib/ruby/bundler/definition.rb:507:in `materialize': Could not find gem 'rails' in locally installed gems. (Bundler::GemNotFound)",
  );
});
