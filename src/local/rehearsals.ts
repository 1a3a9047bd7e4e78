import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Rehearsal } from "../core/rehearsal/rehearsal.ts";
import { writeFileAtomically } from "./atomic-file.ts";
import { makeFolder } from "./make-folder.ts";
import { identify, isSameProcess, type ProcessIdentity } from "./process-identity.ts";
import { createStateFolder, type StateFolder, stateFolder } from "./state-folder.ts";

/** Of a rehearsal that runs, or was killed while it did: what is to be taken away again. */
export interface RehearsalPlace {
  readonly id: string;
  /** All that is only its own. */
  readonly folder: string;
  /** Of its keeper, its proxy, its instances. */
  readonly state: StateFolder;
  readonly isAlive: boolean;
  /** It made a copy of the database, or was about to. */
  readonly hasDatabase: boolean;
  /** It is over, and somebody wanted its journal and logs to stay. */
  readonly isKept: boolean;
}

interface PlaceRecord {
  readonly format: 1;
  readonly process: ProcessIdentity | null;
  readonly hasDatabase: boolean;
  readonly isKept?: true;
}

const FOLDER = "rehearsals";
const RECORD = "running.json";
/** So many results stay. */
const MOST_KEPT = 50;
/** In which one that has just begun has not yet said who it is. */
const BEGINS_WITHIN_MS = 60_000;

/** Makes the place of a rehearsal, in the state of the app that it is about, and says that this process runs it. */
export function beginRehearsal(app: StateFolder, id: string, hasDatabase: boolean): RehearsalPlace {
  const place = rehearsalPlace(app, id);
  // Perhaps nothing was ever released here.
  createStateFolder(app);
  makeFolder(app.file(FOLDER), 0o700);
  mkdirSync(place.folder, { mode: 0o700 });
  const record: PlaceRecord = { format: 1, process: identify(process.pid), hasDatabase };
  writeFileSync(join(place.folder, RECORD), JSON.stringify(record), { mode: 0o600 });
  return { ...place, isAlive: true, hasDatabase, isKept: false };
}

/** Nothing of it is left but its folder, which stays until the next rehearsal. */
export function markKept({ folder }: Pick<RehearsalPlace, "folder">): void {
  const record: PlaceRecord = { format: 1, process: null, hasDatabase: false, isKept: true };
  writeFileSync(join(folder, RECORD), JSON.stringify(record), { mode: 0o600 });
}

/** Where a rehearsal has what is only its own. */
export function rehearsalPlace(app: StateFolder, id: string): Pick<RehearsalPlace, "id" | "folder" | "state"> {
  const folder = app.file(FOLDER, id);
  return { id, folder, state: stateFolder(app.file(FOLDER, id, "state")) };
}

/** Those that run now, those that were killed, and what was kept of the last. */
export function rehearsalsUnderWay(app: StateFolder): readonly RehearsalPlace[] {
  return namesIn(app)
    .filter((name) => ID.test(name))
    .map((id) => {
      const record = readJson(app.file(FOLDER, id, RECORD)) as PlaceRecord | null;
      const isAlive =
        record === null ? isYoung(app.file(FOLDER, id)) : record.process !== null && isSameProcess(record.process);
      const { hasDatabase = true, isKept = false } = record ?? {};
      return { ...rehearsalPlace(app, id), isAlive, hasDatabase, isKept };
    });
}

/** Takes away what of it lies on the disk; synchronous, because it is also the last thing that a dying process does. */
export function clearRehearsal({ folder, state }: Pick<RehearsalPlace, "folder" | "state">): void {
  const sockets = dirname(state.socket("x"));
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  if (!sockets.startsWith(folder)) rmSync(sockets, { recursive: true, force: true });
}

/** Keeps what came of it, and lets the oldest go. */
export async function keepRehearsal(app: StateFolder, rehearsal: Rehearsal): Promise<string> {
  makeFolder(app.file(FOLDER), 0o700);
  const path = app.file(FOLDER, `${rehearsal.id}.json`);
  await writeFileAtomically(path, `${JSON.stringify(rehearsal, null, 2)}\n`);
  for (const { id } of readRehearsals(app).slice(MOST_KEPT)) rmSync(app.file(FOLDER, `${id}.json`), { force: true });
  return path;
}

/** The newest first. One that can't be read is none. */
export function readRehearsals(app: StateFolder): readonly Rehearsal[] {
  return namesIn(app)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => (readJson(app.file(FOLDER, name)) as Rehearsal | null) ?? [])
    .filter(({ format }) => format === 1)
    .sort((a, b) => b.startedAt - a.startedAt);
}

const ID = /^[0-9a-f]{8}$/;

function namesIn(app: StateFolder): readonly string[] {
  try {
    return readdirSync(app.file(FOLDER));
  } catch {
    return [];
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}

function isYoung(folder: string): boolean {
  const made = statSync(folder, { throwIfNoEntry: false });
  return made !== undefined && Date.now() - made.mtimeMs < BEGINS_WITHIN_MS;
}
