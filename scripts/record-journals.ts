/**
 * Records what this version of Tidegate writes into its journals, before it is published: `node scripts/record-journals.ts`.
 * Later versions must replay them (test/replay). The recordings of a version that was published are never made again.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { replay } from "../src/core/release/evolve.ts";
import { recorded } from "../test/support/recorded-journal.ts";
import { play, SCENARIOS } from "../test/support/scenarios.ts";
import { standOf } from "../test/support/stand.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
};
const folder = new URL(`../test/fixtures/journals/${version}/`, import.meta.url);
mkdirSync(folder, { recursive: true });
for (const name of Object.keys(SCENARIOS)) {
  const { events } = await play(name);
  const release = replay(events);
  if (release === null) throw new Error(`${name} has no events.`);
  writeFileSync(new URL(`${name}.jsonl`, folder), recorded(events));
  writeFileSync(new URL(`${name}.stand.json`, folder), `${JSON.stringify(standOf(release), null, 2)}\n`);
  process.stdout.write(`${name}: ${events.length} events\n`);
}
process.exit(0);
