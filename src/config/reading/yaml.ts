import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import type { Entry, Located, LocatedScalar, Place, Source } from "./located.ts";
import { lineAndColumn } from "./position.ts";
import type { Problem } from "./problem.ts";

export interface YamlRead {
  /** Absent when the text can't be read as YAML at all, or is empty. */
  readonly located?: Located;
  readonly problems: readonly Problem[];
}

/** More values than this, after anchors are followed, is no plan but a bomb. */
const MOST_VALUES = 50_000;

/** YAML text as values with places. Anchors, aliases and merge keys (`<<`) are followed; duplicate keys are told. */
export function readYaml(source: Source): YamlRead {
  const document = parseDocument(source.text, { prettyErrors: false, uniqueKeys: false, strict: true, version: "1.2" });
  if (document.errors.length > 0) return { problems: syntaxProblems(source, document.errors) };
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null))
    return {
      problems: [{ code: "plan-file-invalid", what: `${source.name} is empty.`, fix: fill(source), place: { source } }],
    };
  const reading: Reading = { source, document, problems: [], open: new Set(), count: 0 };
  const located = convert(reading, document.contents);
  return { located, problems: reading.problems };
}

/** The plan file is read first, then its overlay, then what they name. */
function fill({ order }: Source): string {
  if (order === 0) return "Begin with `app: NAME`; or remove it, and tidegate init writes one for this folder.";
  return order === 1
    ? "Write into it what differs from the plan file, or remove it."
    : "Write what it is named for, or name it no more.";
}

interface Reading {
  readonly source: Source;
  readonly document: Document;
  readonly problems: Problem[];
  /** Nodes that are being converted: an alias to one of them would go round for ever. */
  readonly open: Set<Node>;
  count: number;
}

function convert(reading: Reading, node: Node | null): Located {
  const place = placeOfNode(reading, node);
  const absent: LocatedScalar = { kind: "scalar", place, value: null };
  if (node === null) return absent;
  reading.count++;
  if (reading.count > MOST_VALUES) {
    if (reading.count === MOST_VALUES + 1)
      tell(reading, place, `${reading.source.name} holds more than ${MOST_VALUES} values.`, "plan-file-invalid");
    return absent;
  }
  if (isAlias(node)) {
    const target = node.resolve(reading.document);
    if (target === undefined || reading.open.has(target)) {
      const why = target === undefined ? "has no anchor before it" : "stands inside its own anchor";
      tell(reading, place, `\`*${node.source}\` ${why}.`, "plan-file-syntax");
      return absent;
    }
    return convert(reading, target);
  }
  reading.open.add(node);
  try {
    if (isMap(node)) return { kind: "map", place, entries: entriesOf(reading, node) };
    if (isSeq(node))
      return { kind: "list", place, items: node.items.map((item) => convert(reading, item as Node | null)) };
    if (isScalar(node)) return { kind: "scalar", place, value: scalarValue(node.value) };
    return absent;
  } finally {
    reading.open.delete(node);
  }
}

function entriesOf(reading: Reading, map: YAMLMap): ReadonlyMap<string, Entry> {
  const own = new Map<string, Entry>();
  const merged = new Map<string, Entry>();
  for (const { key, value } of map.items as readonly { key: Node | null; value: Node | null }[]) {
    const place = placeOfNode(reading, key);
    if (!isScalar(key) || key.value === null) {
      tell(reading, place, "A key must be a plain word.", "plan-file-syntax");
      continue;
    }
    const name = String(scalarValue(key.value));
    if (name === "<<" && key.type === "PLAIN") {
      for (const [inherited, entry] of mergedEntries(reading, value)) {
        if (!merged.has(inherited)) merged.set(inherited, entry);
      }
      continue;
    }
    const before = own.get(name);
    if (before !== undefined) {
      const line = lineAndColumn(reading.source, before.key.start ?? 0).line;
      tell(
        reading,
        place,
        `\`${name}\` stands here twice; the first is on line ${line}.`,
        "plan-key-twice",
        "Keep one of them.",
      );
      continue;
    }
    own.set(name, { key: place, value: valueOf(reading, value, place) });
  }
  // What stands in the map itself goes before what it inherits.
  for (const [name, entry] of merged) if (!own.has(name)) own.set(name, entry);
  return own;
}

/** A key without a value (`- retire:`) has the key's place. */
function valueOf(reading: Reading, value: Node | null, key: Place): Located {
  const located = convert(reading, value);
  const isWritten = located.place.start !== undefined && located.place.start !== located.place.end;
  return located.kind === "scalar" && located.value === null && !isWritten ? { ...located, place: key } : located;
}

function mergedEntries(reading: Reading, value: Node | null): readonly (readonly [string, Entry])[] {
  const located = convert(reading, value);
  const maps = located.kind === "list" ? located.items : [located];
  return maps.flatMap((map) => {
    if (map.kind === "map") return [...map.entries];
    tell(reading, map.place, "`<<` merges maps: it needs `*anchor` of a map, or a list of such.", "plan-file-syntax");
    return [];
  });
}

function scalarValue(value: unknown): LocatedScalar["value"] {
  if (typeof value === "bigint") return Number(value);
  return value as LocatedScalar["value"];
}

function placeOfNode(reading: Reading, node: Node | null): Place {
  const { source } = reading;
  if (node?.range === undefined || node.range === null) return { source };
  return { source, start: node.range[0], end: node.range[1] };
}

function tell(reading: Reading, place: Place, what: string, code: Problem["code"], fix?: string): void {
  reading.problems.push({ code, what, place, ...(fix === undefined ? {} : { fix }) });
}

/** After the first syntax error the rest mostly follows from it, so only the first of each kind and line is told. */
function syntaxProblems(source: Source, errors: readonly YAMLError[]): readonly Problem[] {
  const first = errors[0];
  if (first === undefined) return [];
  const tabs = errors.filter((error) => isTab(source.text, error));
  return (tabs.length > 0 ? tabs : [first]).map((error) => syntaxProblem(source, error));
}

function syntaxProblem(source: Source, { code, message, pos: [start, end] }: YAMLError): Problem {
  const { text } = source;
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const line = text.slice(lineStart, endOfLine(text, start));
  const tell = (what: string, fix: string, from = start, to = end): Problem => ({
    code: "plan-file-syntax",
    what,
    fix,
    place: { source, start: from, end: to },
  });
  if (isTab(text, { code, pos: [start, end] }))
    return tell(
      "This line is indented with a tab.",
      "YAML is indented with spaces.",
      lineStart,
      lineStart + line.length - line.trimStart().length,
    );
  // `{ url: ${X} }`: inside braces YAML takes the inner brace for a map.
  const reference = /[{[,:]\s*(\$\{[^}]*\})/.exec(line);
  if (reference !== null && /[{[]/.test(line.slice(0, reference.index + 1))) {
    const from = lineStart + reference.index + reference[0].indexOf("$");
    const written = reference[1] ?? "";
    return tell(`\`${written}\` inside \`{ … }\` needs quotes.`, `Write "${written}".`, from, from + written.length);
  }
  const comparison = /:\s*([<>]=?\s*[\d.]+\S*)\s*$/.exec(line);
  if (comparison !== null) {
    const written = comparison[1] ?? "";
    const from = lineStart + comparison.index + comparison[0].indexOf(written);
    return tell(`\`${written}\` needs quotes.`, `Write "${written}".`, from, from + written.length);
  }
  if (code === "BAD_SCALAR_START")
    return tell(
      "A text can't begin with this character without quotes.",
      "Put the text into quotes.",
      start,
      start + 1,
    );
  if (code === "MULTIPLE_DOCS")
    return tell("A second document begins here.", "One file holds one plan: remove the `---`.", start, start + 3);
  if (code === "BLOCK_AS_IMPLICIT_KEY")
    return tell(
      "A text with `: ` in it needs quotes.",
      "Put the value into quotes, or begin a new line for the inner key.",
    );
  return {
    code: "plan-file-syntax",
    what: "This is not YAML.",
    cause: message,
    fix: "Check the indentation, brackets and quotes here and on the lines before.",
    place: { source, start: Math.min(start, Math.max(0, text.trimEnd().length - 1)), end },
  };
}

/** Some errors are told as others when a tab stands where spaces belong. */
function isTab(text: string, { code, pos: [start] }: Pick<YAMLError, "code" | "pos">): boolean {
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  return code === "TAB_AS_INDENT" || /^ *\t/.test(text.slice(lineStart, endOfLine(text, start)));
}

function endOfLine(text: string, from: number): number {
  const newline = text.indexOf("\n", from);
  return newline < 0 ? text.length : newline;
}
