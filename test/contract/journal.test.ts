import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import { createMemoryJournal } from "../../src/adapters/journal/memory.ts";
import { openSqliteJournal } from "../../src/adapters/journal/sqlite.ts";
import { createStateFolder, stateFolder, type StateFolder } from "../../src/local/state-folder.ts";
import { at, isFault, journalContract, planned } from "./journal.ts";

const root = mkdtempSync(join(tmpdir(), "tidegate-journal-"));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const folder = (): StateFolder => stateFolder(join(root, String((folders += 1))));

journalContract("memory", () => Promise.resolve(createMemoryJournal()));
journalContract("sqlite", () => openSqliteJournal(folder()));

describe("the journal in SQLite", () => {
  it("is still there after it was closed", async () => {
    const where = folder();
    {
      await using journal = await openSqliteJournal(where);
      await journal.append(1, 0, [planned(1)], 1);
    }
    await using journal = await openSqliteJournal(where);
    equal((await journal.read(1)).length, 1);
  });

  it("frees the actor lock of a process that was killed, and keeps that of one that is stopped", async () => {
    const where = folder();
    await using journal = await openSqliteJournal(where);
    const program = `
      const { openSqliteJournal } = await import(${JSON.stringify(new URL("../../src/adapters/journal/sqlite.ts", import.meta.url).href)});
      const { stateFolder } = await import(${JSON.stringify(new URL("../../src/local/state-folder.ts", import.meta.url).href)});
      const journal = await openSqliteJournal(stateFolder(${JSON.stringify(where.path)}));
      globalThis.lock = await journal.takeActorLock();
      console.log(globalThis.lock === null ? "no" : "locked");
      setInterval(() => {}, 1000);
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const [said] = (await once(child.stdout, "data")) as [Buffer];
      equal(said.toString().trim(), "locked");
      equal(await journal.takeActorLock(), null);
      child.kill("SIGSTOP");
      equal(await journal.takeActorLock(), null);
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    const lock = await journal.takeActorLock();
    ok(lock !== null);
    await lock[Symbol.asyncDispose]();
  });

  it("reads and asks in a folder of an earlier Tidegate, and changes its layout only for who holds the lock", async () => {
    const where = folder();
    createStateFolder(where);
    const earlier = new DatabaseSync(where.file("journal.db"));
    earlier.exec(readFileSync(new URL("../fixtures/layouts/1.sql", import.meta.url), "utf8"));
    const layout = (): unknown => earlier.prepare("PRAGMA user_version").get()?.["user_version"];
    await using journal = await openSqliteJournal(where);
    deepEqual(await journal.releases(), [7]);
    const event = (await journal.read(7))[0]?.event;
    // In today's shape, with what format 1 did not know yet.
    deepEqual(event?.type === "planned" ? [event.candidate.version, event.plan.judge] : event, ["v2", 1]);
    await journal.ask({ release: 7, body: {}, by: "ann", at: 1 });
    equal((await journal.openRequests()).length, 1);
    equal(layout(), 1);
    await using lock = await journal.takeActorLock();
    ok(lock !== null);
    ok(Number(layout()) > 1);
    deepEqual(await journal.open(), [7]);
    // What the earlier one has open goes on seeing it.
    equal(earlier.prepare("SELECT count(*) AS n FROM requests").get()?.["n"], 1);
    earlier.close();
  });

  it("refuses a state folder of a newer Tidegate with a sentence", async () => {
    const where = folder();
    {
      await using _ = await openSqliteJournal(where);
    }
    const database = new DatabaseSync(where.file("journal.db"));
    database.exec("PRAGMA user_version = 99");
    database.close();
    await rejects(openSqliteJournal(where), isFault("state-newer"));
  });

  it("refuses an event that it does not know", async () => {
    const where = folder();
    await using journal = await openSqliteJournal(where);
    await journal.append(1, 0, [planned(1)], 1);
    const database = new DatabaseSync(where.file("journal.db"));
    database.exec('UPDATE events SET body = \'{"type":"teleported"}\'');
    database.close();
    await rejects(journal.read(1), isFault("journal-newer"));
    const later = new DatabaseSync(where.file("journal.db"));
    later.exec('UPDATE events SET format = 99, body = \'{"type":"started"}\'');
    later.close();
    await rejects(journal.read(1), isFault("journal-newer"));
  });

  it("waits out another writer, without losing or doubling anything", async () => {
    const where = folder();
    await using one = await openSqliteJournal(where);
    await using other = await openSqliteJournal(where);
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? one : other).ask({ release: n, body: {}, by: "ann", at: n })),
    );
    deepEqual(
      (await one.openRequests()).map(({ release }) => release).sort((a, b) => Number(a) - Number(b)),
      Array.from({ length: 50 }, (_, n) => n),
    );
  });

  it("takes and tells nothing once its file is gone or is another one; put back, it goes on", async () => {
    const where = folder();
    await using journal = await openSqliteJournal(where);
    await journal.append(1, 0, [planned(1)], 1);
    const [path, away] = [where.file("journal.db"), where.file("away.db")];
    renameSync(path, away);
    const refuses = async (): Promise<void> => {
      await rejects(journal.append(1, 1, [at({ type: "started" })], 1), isFault("journal-gone"));
      await rejects(journal.openRequests(), isFault("journal-gone"));
    };
    await refuses();
    writeFileSync(path, "another");
    await refuses();
    renameSync(away, path);
    equal((await journal.append(1, 1, [at({ type: "started" })], 1)).length, 1);
  });

  it("notices a part of it that is gone alone, like the whole", async () => {
    for (const part of ["journal.db-wal", "journal.db-shm"]) {
      const where = folder();
      await using journal = await openSqliteJournal(where);
      await journal.append(1, 0, [planned(1)], 1);
      const [path, away] = [where.file(part), where.file("away")];
      renameSync(path, away);
      await rejects(journal.openRequests(), isFault("journal-gone"), part);
      writeFileSync(path, "");
      await rejects(journal.append(1, 1, [at({ type: "started" })], 1), isFault("journal-gone"), part);
      renameSync(away, path);
      equal((await journal.append(1, 1, [at({ type: "started" })], 1)).length, 1);
    }
  });

  it("is nobody's to act on once the lock that was taken for it is another file; who only reads goes on", async () => {
    const where = folder();
    await using journal = await openSqliteJournal(where);
    await using reading = await openSqliteJournal(where);
    const lock = await journal.takeActorLock();
    ok(lock !== null);
    rmSync(where.file("actor.lock"));
    await rejects(journal.append(1, 0, [planned(1)], 1), isFault("actor-lock-gone"));
    await using other = await reading.takeActorLock();
    ok(other !== null);
    await rejects(journal.openRequests(), isFault("actor-lock-gone"));
    deepEqual(await reading.openRequests(), []);
    await lock[Symbol.asyncDispose]();
    deepEqual(await journal.openRequests(), []);
  });

  it("says so in a sentence when the disk refuses", async () => {
    const where = folder();
    await using journal = await openSqliteJournal(where);
    await journal.append(1, 0, [planned(1)], 1);
    const blocker = new DatabaseSync(where.file("journal.db"));
    blocker.exec("BEGIN EXCLUSIVE");
    await rejects(journal.append(1, 1, [at({ type: "started" })], 1), isFault("journal-unavailable"));
    blocker.close();
    equal((await journal.append(1, 1, [at({ type: "started" })], 1)).length, 1);
  });
});
