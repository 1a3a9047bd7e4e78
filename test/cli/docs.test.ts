import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { commandsPage } from "../../scripts/commands-page.ts";
import { lintRulesPage } from "../../scripts/lint-rules-page.ts";

it("docs/commands.md is made from the commands that there are: node scripts/generate-docs.ts", async () => {
  assert.equal(readFileSync(new URL("../../docs/commands.md", import.meta.url), "utf8"), await commandsPage());
});

it("docs/lint-rules.md is made from the rules that there are: node scripts/generate-docs.ts", () => {
  assert.equal(readFileSync(new URL("../../docs/lint-rules.md", import.meta.url), "utf8"), lintRulesPage());
});
