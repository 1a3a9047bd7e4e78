/**
 * What was written between two looks at the last `most` lines of a log: the lines after the longest end of the earlier look with which
 * the later one begins. All of the later one where nothing of the earlier is left in it, so at least as many came. null: nobody can
 * say, because many ends fit (a full look of lines that are all alike).
 */
export function newLines(before: readonly string[], now: readonly string[], most: number): readonly string[] | null {
  if (before.length === 0) return now;
  // A log that is not full yet keeps its beginning.
  if (now.length < most && startsWith(now, before, 0)) return now.slice(before.length);
  const ends: number[] = [];
  for (let from = 0; from < before.length && ends.length < 2; from += 1)
    if (startsWith(now, before, from)) ends.push(from);
  const [first, second] = ends;
  if (first === undefined) return now;
  if (second !== undefined && second === first + 1 && new Set(now).size === 1) return null;
  return now.slice(before.length - first);
}

/** Whether `now` begins with `before` from there on. */
function startsWith(now: readonly string[], before: readonly string[], from: number): boolean {
  const length = before.length - from;
  if (length > now.length) return false;
  for (let index = 0; index < length; index += 1) if (now[index] !== before[from + index]) return false;
  return true;
}
