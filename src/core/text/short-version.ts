/** A version for people who have no label for it: a sha is longer than anybody reads, a name is not. */
export function shortVersion(version: string): string {
  return /^[0-9a-f]{40,64}$/.test(version) ? version.slice(0, 7) : version;
}
