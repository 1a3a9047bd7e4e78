import { createHash } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, writeSync } from "node:fs";
import { type FileHandle, open, readFile } from "node:fs/promises";
import type { Emergency } from "../core/release/emergency.ts";
import { FaultError } from "../core/fault.ts";

/**
 * A small file whose place on the disk is taken beforehand, so that a few words can still be written when the disk is
 * full: slots of one line each, written in place, blank when free. (A file system that copies on write may refuse even
 * so: then it is said.)
 */
export const EMERGENCY_FILE = "emergency.log";

const SLOT_BYTES = 4_096;
const SLOTS = 8;
const BLANK = `${" ".repeat(SLOT_BYTES - 1)}\n`;
/** Of a reason, when the whole would not fit into a slot. */
const SHORT = 600;

/** Takes its place. Never throws: where it can't be made now, it may be when it is needed. */
export function reserveEmergencyFile(path: string): void {
  if (existsSync(path)) return;
  try {
    const file = openSync(path, "wx", 0o600);
    try {
      writeSync(file, BLANK.repeat(SLOTS));
      // Some file systems choose the place only when it is written out.
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch {
    // Full or read-only: said by whoever must write then.
  }
}

/** Writes it down, in the place of the oldest where no slot is free. Faults: emergency-not-recorded. */
export async function writeEmergency(path: string, emergency: Emergency): Promise<void> {
  await inPlace(path, async (file) => {
    const slots = readSlots(await readWhole(file));
    const own = slots.findIndex((each) => each?.id === emergency.id);
    const free = own >= 0 ? own : slots.indexOf(null);
    await put(file, free >= 0 ? free : oldest(slots), lineOf(emergency));
  });
}

/** Oldest first. What can't be read, the file too, is as if it were not there. */
export async function readEmergencies(path: string): Promise<readonly Emergency[]> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0));
  return readSlots(bytes)
    .filter((each) => each !== null)
    .sort((a, b) => a.at - b.at);
}

/** Faults: emergency-not-recorded. */
export async function clearEmergency(path: string, id: string): Promise<void> {
  if (!existsSync(path)) return;
  await inPlace(path, async (file) => {
    const slot = readSlots(await readWhole(file)).findIndex((each) => each?.id === id);
    if (slot >= 0) await put(file, slot, BLANK);
  });
}

async function inPlace(path: string, work: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    reserveEmergencyFile(path);
    await using file = await open(path, "r+");
    await work(file);
    await file.datasync();
  } catch (error) {
    throw new FaultError(
      {
        code: "emergency-not-recorded",
        what: "The emergency file can't be written.",
        where: path,
        cause: error instanceof Error ? error.message : String(error),
      },
      { cause: error },
    );
  }
}

async function readWhole(file: FileHandle): Promise<Buffer> {
  const bytes = Buffer.alloc(SLOTS * SLOT_BYTES, " ");
  await file.read(bytes, 0, bytes.length, 0);
  return bytes;
}

async function put(file: FileHandle, slot: number, line: string): Promise<void> {
  await file.write(line, slot * SLOT_BYTES, "utf8");
}

function readSlots(bytes: Buffer): (Emergency | null)[] {
  return Array.from({ length: SLOTS }, (_, slot) =>
    readLine(bytes.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES).toString("utf8")),
  );
}

/** null: free, or written in part when the machine went down. */
function readLine(line: string): Emergency | null {
  try {
    const { sum, emergency } = JSON.parse(line.trim()) as { readonly sum: string; readonly emergency: Emergency };
    return sum === sumOf(emergency) && emergency.format === 1 ? emergency : null;
  } catch {
    return null;
  }
}

function lineOf(emergency: Emergency): string {
  const whole = JSON.stringify({ sum: sumOf(emergency), emergency });
  if (Buffer.byteLength(whole) < SLOT_BYTES) return padded(whole);
  const { kind, sentence } = emergency.because;
  const short = { ...emergency, because: { kind, sentence: sentence.slice(0, SHORT) } };
  return padded(JSON.stringify({ sum: sumOf(short), emergency: short }));
}

function padded(text: string): string {
  return `${text}${" ".repeat(SLOT_BYTES - 1 - Buffer.byteLength(text))}\n`;
}

function sumOf(emergency: Emergency): string {
  return createHash("sha256").update(JSON.stringify(emergency)).digest("hex").slice(0, 16);
}

function oldest(slots: readonly (Emergency | null)[]): number {
  const ages = slots.map((each) => each?.at ?? 0);
  return ages.indexOf(Math.min(...ages));
}
