import { readFileSync } from "node:fs";
import { type Document, isMap, isPair, LineCounter, parseDocument } from "yaml";
import { FaultError } from "../../../core/fault.ts";
import { mapOf } from "./written-values.ts";

/** One compose file as it stands there, nothing filled in. */
export interface ComposeDocument {
  /** As people know it, from the plan file's folder. */
  readonly name: string;
  readonly value: Readonly<Record<string, unknown>>;
  /** `compose.yaml:12`: where a path of keys stands, or what there is of it. */
  placeOf(path: readonly (string | number)[]): string;
  /** Whether the whole path stands in this file. */
  has(path: readonly (string | number)[]): boolean;
}

/** Faults: compose-file-invalid. */
export function readDocument(file: string, name: string): ComposeDocument {
  const text = readFileSync(file, "utf8");
  const lines = new LineCounter();
  // Tags such as `!reset` are compose's own business.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true, logLevel: "silent" });
  const [error] = document.errors;
  if (error !== undefined) {
    throw new FaultError({
      code: "compose-file-invalid",
      what: `${name} is not YAML.`,
      where: `${name}:${lines.linePos(error.pos[0]).line}`,
      cause: error.message,
      fix: "check the indentation, brackets and quotes here and on the lines before",
    });
  }
  const value = mapOf(document.toJS({ maxAliasCount: 10_000 }));
  return {
    name,
    value,
    placeOf(path) {
      const offset = keyOffset(document, path);
      return offset === null ? name : `${name}:${lines.linePos(offset).line}`;
    },
    has: (path) => document.hasIn(path),
  };
}

/** Where the last key that is there begins. */
function keyOffset(document: Document, path: readonly (string | number)[]): number | null {
  let found: number | null = null;
  for (let length = 1; length <= path.length; length += 1) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    if (!isMap(parent)) {
      const node = document.getIn(path.slice(0, length), true) as { range?: readonly number[] } | undefined;
      if (node?.range?.[0] === undefined) return found;
      found = node.range[0];
      continue;
    }
    const pair = parent.items.find(
      (item) => isPair(item) && String((item.key as { value?: unknown }).value) === String(key),
    );
    const range = (pair?.key as { range?: readonly number[] } | undefined)?.range;
    if (range?.[0] === undefined) return found;
    found = range[0];
  }
  return found;
}

/** `compose.yaml:12` in the last of the files that has it. */
export function placeIn(documents: readonly ComposeDocument[], path: readonly (string | number)[]): string {
  const document = documents.findLast((each) => each.has(path)) ?? documents[0];
  return document?.placeOf(path) ?? "";
}
