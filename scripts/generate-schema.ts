// Writes what is made from the plan file's schema: the JSON Schema for editors and the reference page. A test checks
// that both are current: `node scripts/generate-schema.ts` makes them so.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { planFileJsonSchema } from "./plan-file-json-schema.ts";
import { planFilePage } from "./plan-file-page.ts";

const root = new URL("../", import.meta.url);
mkdirSync(new URL("schema/", root), { recursive: true });
for (const [path, text] of [
  ["schema/tidegate.schema.json", await planFileJsonSchema()],
  ["docs/plan-file.md", planFilePage()],
] as const) {
  writeFileSync(new URL(path, root), text);
  process.stdout.write(`${fileURLToPath(new URL(path, root))}\n`);
}
