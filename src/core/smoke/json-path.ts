/**
 * A JSONPath (RFC 9535) as far as assertions need it: `$.items[0].id`, `$['a b']`, `$[-1]`, `$.items[*]`, `$..id`,
 * `$.items[1:3]`, `$.items[?@.id == 7]`. Left out: functions, and filters of more than one comparison.
 */
export interface JsonPath {
  readonly text: string;
  readonly steps: readonly PathStep[];
  /** It names one place at most: no wildcard, descent or filter. */
  readonly definite: boolean;
}

interface PathStep {
  /** `..`: looks in the value and in everything below it. */
  readonly descend: boolean;
  readonly selectors: readonly Selector[];
}

type Selector =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "all" }
  | { readonly kind: "slice"; readonly from: number | null; readonly to: number | null; readonly step: number }
  | {
      readonly kind: "filter";
      readonly path: readonly PathStep[];
      readonly comparison: { readonly operator: Operator; readonly value: Scalar } | null;
    };

type Operator = "==" | "!=" | "<" | "<=" | ">" | ">=";
type Scalar = string | number | boolean | null;

export type ParsedJsonPath =
  | { readonly ok: true; readonly path: JsonPath }
  /** `beyond`: a JSONPath it may be, but more than is read of it here. */
  | { readonly ok: false; readonly problem: string; readonly beyond: boolean };

/** What is read, in a sentence for whoever wrote something else. */
export const JSON_PATHS_READ =
  "What works: names ($.items), [0], [-1], [0, 2], slices ([1:3]), [*], .. and filters of one comparison ([?@.id == 7]). How long something is says { length: 3 }.";

/** Reads a path; a mistake is a value that says what and at which character (from 1). */
export function parseJsonPath(text: string): ParsedJsonPath {
  try {
    const reader = new PathReader(text);
    reader.expect("$");
    const steps = reader.steps();
    reader.end();
    const definite = steps.every(
      ({ descend, selectors }) =>
        !descend && selectors.length === 1 && (selectors[0]?.kind === "name" || selectors[0]?.kind === "index"),
    );
    return { ok: true, path: { text, steps, definite } };
  } catch (error) {
    if (error instanceof PathMistake) return { ok: false, problem: error.message, beyond: error.beyond };
    throw error;
  }
}

/** Every value that the path names, in document order; empty: none. */
export function readJsonPath(path: JsonPath, document: unknown): readonly unknown[] {
  return follow(path.steps, document);
}

function follow(steps: readonly PathStep[], start: unknown): unknown[] {
  let found: unknown[] = [start];
  for (const step of steps) {
    const places = step.descend ? found.flatMap(withEverythingBelow) : found;
    found = places.flatMap((place) => step.selectors.flatMap((selector) => select(selector, place)));
  }
  return found;
}

function select(selector: Selector, value: unknown): unknown[] {
  switch (selector.kind) {
    case "name":
      return isObject(value) && Object.hasOwn(value, selector.name) ? [value[selector.name]] : [];
    case "index": {
      if (!Array.isArray(value)) return [];
      const index = selector.index < 0 ? value.length + selector.index : selector.index;
      return index >= 0 && index < value.length ? [value[index]] : [];
    }
    case "all":
      return children(value);
    case "slice":
      return Array.isArray(value) ? sliced(value, selector) : [];
    case "filter":
      return children(value).filter((child) => {
        const found = follow(selector.path, child);
        const comparison = selector.comparison;
        return comparison === null ? found.length > 0 : found.some((one) => holds(one, comparison));
      });
  }
}

/** Source: RFC 9535, 2.3.4.2.2. */
function sliced(list: readonly unknown[], { from, to, step }: Extract<Selector, { kind: "slice" }>): unknown[] {
  const { length } = list;
  if (step === 0) return [];
  const fromEnd = (index: number): number => (index >= 0 ? index : length + index);
  const within = (index: number, least: number, most: number): number => Math.min(Math.max(index, least), most);
  const found: unknown[] = [];
  if (step > 0) {
    const end = within(fromEnd(to ?? length), 0, length);
    for (let at = within(fromEnd(from ?? 0), 0, length); at < end; at += step) found.push(list[at]);
  } else {
    const end = to === null ? -1 : within(fromEnd(to), -1, length - 1);
    for (let at = within(fromEnd(from ?? length - 1), -1, length - 1); at > end; at += step) found.push(list[at]);
  }
  return found;
}

function holds(found: unknown, { operator, value }: { operator: Operator; value: Scalar }): boolean {
  if (operator === "==") return found === value;
  if (operator === "!=") return found !== value;
  const ordered =
    (typeof found === "number" && typeof value === "number") ||
    (typeof found === "string" && typeof value === "string");
  if (!ordered) return false;
  const [left, right] = [found as number, value as number];
  return operator === "<"
    ? left < right
    : operator === "<="
      ? left <= right
      : operator === ">"
        ? left > right
        : left >= right;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function children(value: unknown): unknown[] {
  return Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
}

// With a stack of its own: an answer that nests a million arrays must not overflow ours.
function withEverythingBelow(start: unknown): unknown[] {
  const found: unknown[] = [];
  const open: unknown[] = [start];
  while (open.length > 0) {
    const value = open.pop();
    found.push(value);
    const below = children(value);
    for (let index = below.length - 1; index >= 0; index -= 1) open.push(below[index]);
  }
  return found;
}

class PathMistake extends Error {
  readonly beyond: boolean;

  constructor(problem: string, beyond: boolean) {
    super(problem);
    this.beyond = beyond;
  }
}

/** Walks along the text, one character ahead at most. */
class PathReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  steps(): PathStep[] {
    const steps: PathStep[] = [];
    for (;;) {
      if (this.#take("..")) {
        steps.push({ descend: true, selectors: this.#take("[") ? this.#bracket() : [this.#dotted()] });
      } else if (this.#take(".")) {
        steps.push({ descend: false, selectors: [this.#dotted()] });
      } else if (this.#take("[")) {
        steps.push({ descend: false, selectors: this.#bracket() });
      } else {
        return steps;
      }
    }
  }

  expect(token: string): void {
    if (!this.#take(token)) this.#fail(`expected "${token}"`);
  }

  end(): void {
    if (this.#at < this.#text.length) this.#fail(`did not expect "${this.#text[this.#at]}"`);
  }

  #dotted(): Selector {
    if (this.#take("*")) return { kind: "all" };
    const name = this.#match(/[\p{L}_][\p{L}\p{N}_-]*/uy);
    if (name === null) this.#fail("expected a name after \".\"; other names go in brackets: ['a b']");
    if (this.#take("(")) this.#refuse(`functions like ${name}() are not read`);
    return { kind: "name", name };
  }

  #bracket(): Selector[] {
    const selectors: Selector[] = [];
    do {
      this.#space();
      selectors.push(this.#selector());
      this.#space();
    } while (this.#take(","));
    this.expect("]");
    return selectors;
  }

  #selector(): Selector {
    if (this.#take("*")) return { kind: "all" };
    if (this.#take("?")) return this.#filter();
    const name = this.#string();
    if (name !== null) return { kind: "name", name };
    const index = this.#number();
    this.#space();
    if (this.#take(":")) return this.#slice(index);
    if (index === null) this.#fail("expected a number, a quoted name, * or ?");
    return { kind: "index", index };
  }

  #slice(from: number | null): Selector {
    this.#space();
    const to = this.#number();
    this.#space();
    if (!this.#take(":")) return { kind: "slice", from, to, step: 1 };
    this.#space();
    return { kind: "slice", from, to, step: this.#number() ?? 1 };
  }

  #number(): number | null {
    const digits = this.#match(/-?\d{1,15}/y);
    return digits === null ? null : Number(digits);
  }

  #filter(): Selector {
    this.#space();
    const bracketed = this.#take("(");
    this.#space();
    if (this.#match(/[\p{L}_][\p{L}\p{N}_]*\(/uy) !== null) this.#refuse("functions are not read");
    if (this.#match(/[$!]/y) !== null) this.#refuse("a filter has to begin with @");
    this.expect("@");
    const path = this.steps();
    this.#space();
    const operator = this.#match(/[=!]=|[<>]=?/y) as Operator | null;
    let comparison: { operator: Operator; value: Scalar } | null = null;
    if (operator !== null) {
      this.#space();
      comparison = { operator, value: this.#literal() };
      this.#space();
    }
    if (this.#match(/&&|\|\|/y) !== null) this.#refuse("a filter has one comparison");
    if (bracketed) this.expect(")");
    return { kind: "filter", path, comparison };
  }

  #literal(): Scalar {
    const text = this.#string();
    if (text !== null) return text;
    const word = this.#match(/true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
    if (this.#match(/[@$]/y) !== null) this.#refuse("a filter compares with a value that is written out");
    if (word === null) this.#fail("expected a number, a quoted text, true, false or null");
    return JSON.parse(word) as Scalar;
  }

  #string(): string | null {
    const quoted = this.#match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/y);
    return quoted === null ? null : quoted.slice(1, -1).replaceAll(/\\(.)/g, "$1");
  }

  #space(): void {
    this.#match(/\s*/y);
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #fail(problem: string): never {
    throw new PathMistake(`${problem} at character ${this.#at + 1}`, false);
  }

  /** RFC 9535 knows it. */
  #refuse(problem: string): never {
    throw new PathMistake(problem, true);
  }
}
