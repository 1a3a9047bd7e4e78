/** Whether an address in a container leads to a server that is neither the container itself nor known by one of these names beside it. */
export function leadsOutOf(names: readonly string[], value: string): boolean {
  const host = /^[a-z][a-z0-9+.:-]*:\/\/(?:[^/?#]*@)?([^/?#:]+)/i.exec(value)?.[1];
  if (host === undefined || names.includes(host)) return false;
  return host !== "localhost" && !host.startsWith("127.");
}
