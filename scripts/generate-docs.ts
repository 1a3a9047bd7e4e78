// Writes the pages that are made from the program itself. Tests check that they are current: `node scripts/generate-docs.ts`
// makes them so.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { commandsPage } from "./commands-page.ts";
import { lintRulesPage } from "./lint-rules-page.ts";

write("commands.md", await commandsPage());
write("lint-rules.md", lintRulesPage());

function write(name: string, text: string): void {
  const page = new URL(`../docs/${name}`, import.meta.url);
  writeFileSync(page, text);
  process.stdout.write(`${fileURLToPath(page)}\n`);
}
