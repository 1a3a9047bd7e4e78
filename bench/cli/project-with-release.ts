import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openSqliteJournal } from "../../src/adapters/journal/sqlite.ts";
import { loadPlanFile } from "../../src/config/load.ts";
import type { ReleaseEvent } from "../../src/core/release/event.ts";
import { createStateFolder, stateFolder } from "../../src/local/state-folder.ts";

const PLAN = `app: shop
services:
  web:
    run: node server.js --port \${port}
    health: /health
traffic: { embedded: 8080 }
`;

/** A folder with a plan file and the journal of a release that is live; nothing runs. Answers the folder. */
export async function projectWithRelease(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "tidegate.yaml"), PLAN);
  const { plan } = await loadPlanFile({ cwd: folder, env: {} });
  const state = stateFolder(join(folder, ".tidegate"));
  createStateFolder(state);
  await using journal = await openSqliteJournal(state);
  const events: readonly ReleaseEvent[] = [
    {
      type: "planned",
      release: 1,
      app: plan.app,
      environment: plan.environment,
      stable: null,
      candidate: { version: "9f2c1e0", label: "9f2c1e0", slot: "blue" },
      offset: 0,
      plan,
      planHash: "0",
      by: "bench",
    },
    { type: "started" },
    { type: "went-live" },
    { type: "closed" },
  ];
  const at = { wall: Date.now(), watched: 0 };
  await journal.append(
    1,
    0,
    events.map((event) => ({ event, at })),
    1,
  );
  return folder;
}
