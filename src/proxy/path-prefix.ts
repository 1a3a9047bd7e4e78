/** By whole segments: `/api` takes `/api`, `/api/x` and `/api?x`, not `/apix`. The prefix has no slash at its end; empty takes all. */
export function isUnder(path: string, prefix: string): boolean {
  if (prefix === "") return true;
  if (!path.startsWith(prefix)) return false;
  const next = path.charCodeAt(prefix.length);
  return Number.isNaN(next) || next === 47 /* / */ || next === 63; /* ? */
}
