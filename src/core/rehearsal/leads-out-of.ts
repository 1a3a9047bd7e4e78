/** An address, seen from a container: of a server that is neither the container itself nor one of these services beside it. */
export function leadsOutOf(services: readonly string[], value: string): boolean {
  const host = /^[a-z][a-z0-9+.:-]*:\/\/(?:[^/?#]*@)?([^/?#:]+)/i.exec(value)?.[1];
  if (host === undefined || services.includes(host)) return false;
  return host !== "localhost" && !host.startsWith("127.");
}
