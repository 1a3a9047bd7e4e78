import { doesNotThrow, throws } from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { it } from "node:test";
import { checkStateFolder } from "../../src/local/state-folder-check.ts";
import { stateFolder } from "../../src/local/state-folder.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

it("A folder with nothing but backups in it is Tidegate's: a database may be backed up before anything is released", async () => {
  await using folder = temporaryFolder();
  mkdirSync(folder.file("backups"));
  mkdirSync(folder.file("staging", "backups"), { recursive: true });
  doesNotThrow(() => checkStateFolder(stateFolder(folder.path)));
  mkdirSync(folder.file("music"));
  throws(() => checkStateFolder(stateFolder(folder.path)), /not Tidegate's/);
});
