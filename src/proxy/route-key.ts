/** Longer ids than this are cut out of a path even when they hold no digit. */
const LONG_HEX = 16;
const MAX_SEGMENTS = 8;
const MAX_LENGTH = 120;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const HEX = /^[0-9a-f]+$/i;

/** What requests of one kind have in common: `GET /orders/:id`. Numbers, UUIDs and hex ids become `:id`, the query goes. */
export function routeKey(method: string, target: string): string {
  const query = target.indexOf("?");
  const path = query === -1 ? target : target.slice(0, query);
  const segments = path.split("/");
  for (let i = 0; i < segments.length; i += 1) {
    if (isId(segments[i] as string)) segments[i] = ":id";
  }
  const short = segments.length > MAX_SEGMENTS ? [...segments.slice(0, MAX_SEGMENTS), "…"] : segments;
  const key = `${method} ${short.join("/")}`;
  return key.length > MAX_LENGTH ? `${key.slice(0, MAX_LENGTH - 1)}…` : key;
}

function isId(segment: string): boolean {
  if (segment === "") return false;
  if (/^\d+$/.test(segment)) return true;
  if (segment.length === 36 && UUID.test(segment)) return true;
  return segment.length >= 8 && HEX.test(segment) && (segment.length >= LONG_HEX || /\d/.test(segment));
}

/** Remembers the keys of the newest targets: the same few come again and again. */
export function rememberedRouteKey(): (method: string, target: string) => string {
  const byMethod = new Map<string, Map<string, string>>();
  return (method, target) => {
    let keys = byMethod.get(method);
    if (keys === undefined) byMethod.set(method, (keys = new Map()));
    const known = keys.get(target);
    if (known !== undefined) return known;
    const key = routeKey(method, target);
    if (keys.size >= 2_000) keys.clear();
    keys.set(target, key);
    return key;
  };
}
