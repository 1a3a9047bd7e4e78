/** What PostgreSQL keeps of an application's name. */
const MOST = 63;

/** What a run of migrations is called to others who wait for it: by its release, where it is one's. */
export function runName(what: string, by: string, release: number | null): string {
  const name =
    release === null
      ? `tidegate migrate ${what}`
      : what === "up"
        ? `tidegate release ${release}`
        : `tidegate migrate ${what} of release ${release}`;
  return `${name} (${by})`.slice(0, MOST);
}

/** Whose migrations are taken back; null: the newest, whosever. */
export function releaseOf(of: { readonly release: number } | { readonly steps: number }): number | null {
  return "release" in of ? of.release : null;
}
