import type { Path } from "./located.ts";

/** A value in a sentence: `the text "two"`, `the number 3`, `a list`. Long texts are cut. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string")
    return `the text ${JSON.stringify(value.length > 60 ? `${value.slice(0, 59)}…` : value)}`;
  if (typeof value === "number") return `the number ${value}`;
  if (typeof value === "boolean") return `\`${value}\``;
  return typeof value === "function" ? "a function" : "an object";
}

export function quoted(text: string): string {
  return `\`${text}\``;
}

/** "a, b or c". */
export function alternatives(list: readonly string[], word = "or"): string {
  const last = list.at(-1) ?? "";
  return list.length < 2 ? last : `${list.slice(0, -1).join(", ")} ${word} ${last}`;
}

/** The key that a path ends with, or that its list stands under. */
export function lastKey(path: Path): string {
  const key = path.findLast((part) => typeof part === "string");
  return key === undefined ? "The file" : quoted(key);
}

/** How to write it, from an example or a sentence; none where none is known. */
export function likeFix(path: Path, like: string | undefined): string | undefined {
  const key = path.at(-1);
  if (like === undefined || like.endsWith(".")) return like;
  return typeof key === "string" ? `Write it like \`${key}: ${like}\`.` : `Write it like \`${like}\`.`;
}
