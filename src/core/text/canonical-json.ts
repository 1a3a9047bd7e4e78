/**
 * One text for one value, whatever the order in which its keys were set: keys sorted by code unit, no white space, keys
 * without a value left out. What is hashed goes through here. Source: RFC 8785 (for JSON values of our own making).
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`);
    return `{${members.join(",")}}`;
  }
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError(`${value} has no JSON.`);
  return JSON.stringify(value) ?? "null";
}
