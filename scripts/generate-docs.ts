// Writes docs/commands.md from the command definitions. A test checks that it is current: `node scripts/generate-docs.ts`
// makes it so.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { commandsPage } from "./commands-page.ts";

const page = new URL("../docs/commands.md", import.meta.url);
writeFileSync(page, await commandsPage());
process.stdout.write(`${fileURLToPath(page)}\n`);
