/** Where two texts of a file part, as people look for it; null: they are the same. */
export interface Difference {
  /** Of the second text, from 1. */
  readonly line: number;
  readonly was: string;
  readonly is: string;
}

export function differenceOf(was: string, is: string): Difference | null {
  if (was === is) return null;
  const [before, after] = [was.split("\n"), is.split("\n")];
  const at = Math.max(
    0,
    before.findIndex((line, index) => line !== after[index]),
  );
  // The first is the beginning of the second.
  const index = before[at] === after[at] ? before.length : at;
  return { line: index + 1, was: before[index] ?? "", is: after[index] ?? "" };
}
