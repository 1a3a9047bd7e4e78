import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { type Contents, differences, lossesOf, lossSentence } from "../../src/core/backup/contents.ts";
import { tooMany } from "../../src/core/backup/keep.ts";
import { type BackupProof, type BackupRecord, namedBackup } from "../../src/core/backup/record.ts";
import { DAY } from "../../src/core/time/time.ts";

const contents = (tables: Readonly<Record<string, readonly [number, string]>>): Contents => ({
  tables: Object.entries(tables).map(([name, [rows, checksum]]) => ({ name, rows, checksum })),
  objects: { indexes: 2 },
});

const NOW = Date.UTC(2026, 10, 22, 6);

/** Made so many days ago. */
function record(days: number, proof: BackupProof | null = "restore", trouble = false): BackupRecord {
  const madeAt = NOW - days * DAY;
  const id = `${new Date(madeAt).toISOString().slice(0, 10).replaceAll("-", "")}-060000-0000`;
  return {
    format: 1,
    id,
    file: `${id}.dump`,
    database: { kind: "postgres", place: "shop", engine: "15" },
    madeAt,
    by: "ann",
    release: null,
    tool: "pg_dump 15",
    bytes: 1,
    sha256: "",
    recipients: 0,
    contents: contents({}),
    dumpMs: 1,
    restorePoint: null,
    proof: proof && { proof, at: madeAt, decodeMs: 1, restoreMs: 1, checksMs: 1, tables: 0, rows: 0, drill: null },
    trouble: trouble ? { code: "backup-broken", what: "It is broken." } : null,
    upload: null,
  };
}

describe("A copy", () => {
  const source = contents({ orders: [3, "a"], customers: [1, "b"] });

  it("is the same when it has the same tables with the same rows, in any order", () => {
    deepEqual(differences(source, contents({ customers: [1, "b"], orders: [3, "a"] })), []);
  });

  it("is another one when a row, a table or an index is missing or was changed, and it is said which", () => {
    deepEqual(differences(source, contents({ orders: [2, "c"], customers: [1, "x"], extra: [0, "0"] })), [
      "orders has 2 rows instead of 3",
      "customers has as many rows, and other ones",
      "extra is there and was not",
    ]);
    deepEqual(differences(source, { ...contents({ orders: [3, "a"] }), objects: {} }), [
      "customers is missing",
      "2 indexes became 0",
    ]);
  });

  it("may have sequences that went on meanwhile, and none that would give a number twice", () => {
    const at = (last: string, isDescending = false): Contents => ({
      ...source,
      sequences: [{ name: "orders_id_seq", last, isDescending }],
    });
    deepEqual(differences(at("9007199254740993"), at("9007199254740993")), []);
    deepEqual(differences(at("7"), at("8")), []);
    deepEqual(differences(at("-7", true), at("-8", true)), []);
    deepEqual(differences(at("9007199254740993"), at("9007199254740992")), [
      "sequence orders_id_seq stands at 9007199254740992, and had reached 9007199254740993",
    ]);
    deepEqual(differences(source, at("1")), [], "an older backup has not looked");
  });
});

it("What a restore takes back is said by table, what loses most first", () => {
  const backup = contents({ same: [5, "s"], orders: [3, "a"], edited: [1, "e"], dropped: [7, "d"], shrunk: [9, "x"] });
  const now = contents({ same: [5, "s"], orders: [10, "b"], edited: [1, "f"], young: [2, "y"], shrunk: [4, "z"] });
  deepEqual(lossesOf(backup, now).map(lossSentence), [
    "orders: 7 rows newer than the backup (10 now, 3 then); changes to others are undone",
    "young: newer than the backup, goes with 2 rows",
    "edited: 1 row, and what was changed in them since is undone",
    "shrunk: 5 rows deleted since come back (4 now, 9 then); changes to others are undone",
    "dropped: gone now, comes back with 7 rows",
  ]);
});

describe("Keeping backups", () => {
  const gone = (records: readonly BackupRecord[], keep: { newest: number; days?: number }): readonly number[] =>
    tooMany(records, keep, NOW).map(({ madeAt }) => (NOW - madeAt) / DAY);

  it("lets go what is neither among the newest nor young", () => {
    const all = [0, 1, 2, 3, 4].map((days) => record(days));
    deepEqual(gone(all, { newest: 2 }), [2, 3, 4]);
    deepEqual(gone(all, { newest: 1, days: 3 }), [3, 4]);
    deepEqual(gone(all, { newest: 9 }), []);
  });

  it("never lets the newest one go that was proven by restoring it", () => {
    const all = [record(0, null), record(1, "decode"), record(2, "drill"), record(3)];
    deepEqual(gone(all, { newest: 1 }), [1, 3]);
  });

  it("counts what is broken as none, and keeps it no longer than a good one of its age", () => {
    const all = [record(0, "restore", true), record(1), record(2, "restore", true), record(3)];
    deepEqual(gone(all, { newest: 1 }), [2, 3]);
  });
});

it("A backup is named by its id, its beginning if no other has it, or as the newest that is good", () => {
  const all = [record(0, null, true), record(1), record(20)];
  equal(namedBackup(all, "newest"), all[1]);
  equal(namedBackup(all, "20261121"), all[1]);
  equal(namedBackup(all, "2026112"), null);
  equal(namedBackup(all, ""), null);
  equal(namedBackup(all, all[0]?.id ?? ""), all[0]);
});
