import { runInNewContext } from "node:vm";

/** A pattern that takes longer than this on one value is told as a mistake. */
const LONGEST_MS = 100;

/**
 * Whether a regular expression occurs in a text. null: it is none, or it takes too long: one that tries every way
 * through a text must not stop the engine, whose leases would run out meanwhile.
 */
export function occursIn(pattern: string, text: string): boolean | null {
  try {
    return runInNewContext("new RegExp(pattern).test(text)", { pattern, text }, { timeout: LONGEST_MS }) as boolean;
  } catch {
    return null;
  }
}
