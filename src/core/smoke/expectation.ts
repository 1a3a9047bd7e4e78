import { type JsonPath, parseJsonPath, readJsonPath } from "./json-path.ts";
import { onOneLine } from "../text/plain-text.ts";
import { fillVariables } from "./template.ts";
import type { JsonExpectation, SmokeHttp } from "./smoke.ts";
import { type Duration, formatDuration } from "../time/time.ts";

/** An answer as expectations look at it. */
export interface SmokeAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The body goes on beyond what was kept of it. */
  readonly bodyCut: boolean;
  readonly tookMs: Duration;
}

export interface ExpectationContext {
  readonly variables: Readonly<Record<string, string>>;
  /** Whether a pattern occurs in a text; null: the pattern is not one, or takes too long. */
  readonly matches: (pattern: string, text: string) => boolean | null;
  /** Hides secrets; done before a text is cut, so that none is cut in two. */
  readonly redact: (text: string) => string;
}

/**
 * The first thing that was expected and did not come, in words: "expected status 201, got 500". null: all is as
 * expected. Header values are compared by containment, so that `application/json` is met by one with a charset.
 */
export function unmetExpectation(
  answer: SmokeAnswer,
  expect: SmokeHttp["expect"],
  context: ExpectationContext,
): string | null {
  return (
    unmetStatus(answer, expect.status, context) ??
    unmetHeaders(answer, expect.headers, context) ??
    unmetTime(answer, expect.withinMs) ??
    unmetTexts(answer, expect.contains, context) ??
    unmetJson(answer, expect.json, context)
  );
}

/** What a `save` names: a value as text, or why there is none. */
export function readSaved(
  answer: SmokeAnswer,
  source: string,
  variables: Readonly<Record<string, string>>,
): { readonly ok: true; readonly value: string } | { readonly ok: false; readonly why: string } {
  if (source.startsWith("header:")) {
    const name = source.slice("header:".length).trim().toLowerCase();
    const value = answer.headers[name];
    return value === undefined ? { ok: false, why: `the answer has no header ${name}` } : { ok: true, value };
  }
  const path = pathOf(source, variables);
  if (typeof path === "string") return { ok: false, why: path };
  const document = documentOf(answer);
  if (!document.ok) return { ok: false, why: document.why };
  const [value] = readJsonPath(path, document.value);
  return value === undefined
    ? { ok: false, why: `${path.text} is not in the answer` }
    : { ok: true, value: asText(value) };
}

function unmetStatus(
  { status, headers }: SmokeAnswer,
  wanted: readonly number[],
  { redact }: ExpectationContext,
): string | null {
  const met = wanted.length === 0 ? status >= 200 && status <= 299 : wanted.includes(status);
  if (met) return null;
  const location = status >= 300 && status <= 399 ? headers["location"] : undefined;
  const to = location === undefined ? "" : ` to ${onOneLine(redact(location))}`;
  return `expected status ${wanted.length === 0 ? "200–299" : wanted.join(" or ")}, got ${status}${to}`;
}

function unmetHeaders(
  answer: SmokeAnswer,
  wanted: Readonly<Record<string, string>>,
  { variables, redact }: ExpectationContext,
): string | null {
  for (const [name, template] of Object.entries(wanted)) {
    const text = fillVariables(template, variables);
    if (!text.ok) return unset(text.missing);
    const value = answer.headers[name.toLowerCase()];
    if (value === undefined) return `expected a header ${name}, got none`;
    if (!value.toLowerCase().includes(text.text.toLowerCase())) {
      return `expected header ${name} to contain "${text.text}", got "${onOneLine(redact(value))}"`;
    }
  }
  return null;
}

function unmetTime({ tookMs }: SmokeAnswer, withinMs: Duration | undefined): string | null {
  if (withinMs === undefined || tookMs <= withinMs) return null;
  return `expected an answer within ${formatDuration(withinMs)}, it took ${formatDuration(tookMs)}`;
}

function unmetTexts(answer: SmokeAnswer, wanted: readonly string[], { variables }: ExpectationContext): string | null {
  for (const template of wanted) {
    const text = fillVariables(template, variables);
    if (!text.ok) return unset(text.missing);
    if (answer.body.includes(text.text)) continue;
    const within = answer.bodyCut ? " in the part of the answer that was read" : "";
    return `expected the answer to contain "${text.text}", it does not${within}`;
  }
  return null;
}

function unmetJson(
  answer: SmokeAnswer,
  wanted: readonly JsonExpectation[],
  context: ExpectationContext,
): string | null {
  if (wanted.length === 0) return null;
  const document = documentOf(answer);
  if (!document.ok) return document.why;
  for (const expectation of wanted) {
    const path = pathOf(expectation.path, context.variables);
    if (typeof path === "string") return path;
    const unmet = unmetValue(path, readJsonPath(path, document.value), expectation, context);
    if (unmet !== null) return unmet;
  }
  return null;
}

/**
 * Of a path with a wildcard or filter: one value that equals or matches is enough, every number must keep a limit, and
 * `length` counts the values.
 */
function unmetValue(
  path: JsonPath,
  found: readonly unknown[],
  { operator, value }: JsonExpectation,
  context: ExpectationContext,
): string | null {
  const asJson = (one: unknown): string => onOneLine(context.redact(JSON.stringify(one)), 80);
  const got = found.length === 0 ? "nothing is there" : `got ${found.slice(0, 3).map(asJson).join(", ")}`;
  const unmet = (what: string): string => `expected ${path.text} to ${what}, ${got}`;
  if (operator === "exists") {
    if (value === false) return found.length === 0 ? null : unmet("be absent");
    return found.length > 0 ? null : unmet("be there");
  }
  const filled = typeof value === "string" ? fillVariables(value, context.variables) : null;
  if (filled?.ok === false) return unset(filled.missing);
  const wanted = filled?.text ?? value;
  if (operator === "equals") {
    // A variable is text, whatever it was when it was saved: with one in it, the texts are compared.
    const same = (one: unknown): boolean => one === wanted || (wanted !== value && asText(one) === wanted);
    return found.some(same) ? null : unmet(`equal ${asJson(wanted)}`);
  }
  if (operator === "matches") {
    const results = found.map((one) => context.matches(String(wanted), asText(one)));
    if (results.includes(true)) return null;
    return results.includes(null)
      ? `/${String(wanted)}/ is not a pattern, or takes too long`
      : unmet(`match /${String(wanted)}/`);
  }
  if (operator === "length") {
    const length = path.definite ? lengthOf(found[0]) : found.length;
    if (length === Number(wanted)) return null;
    return `expected ${path.text} to have length ${String(wanted)}, ${length === null ? got : `it has ${length}`}`;
  }
  const limit = Number(wanted);
  const keeps = (one: unknown): boolean =>
    typeof one === "number" && (operator === "at-least" ? one >= limit : one <= limit);
  return found.length > 0 && found.every(keeps)
    ? null
    : unmet(`be at ${operator === "at-least" ? "least" : "most"} ${limit}`);
}

function pathOf(template: string, variables: Readonly<Record<string, string>>): JsonPath | string {
  const text = fillVariables(template, variables);
  if (!text.ok) return unset(text.missing);
  const parsed = parseJsonPath(text.text);
  if (parsed.ok) return parsed.path;
  return `"${text.text}" is ${parsed.beyond ? "more than is read of JSONPath here" : "not a JSONPath"}: ${parsed.problem}`;
}

function documentOf({ body, bodyCut }: SmokeAnswer): { ok: true; value: unknown } | { ok: false; why: string } {
  if (bodyCut) return { ok: false, why: "expected JSON, but the answer is longer than what is read of it" };
  try {
    return { ok: true, value: JSON.parse(body) as unknown };
  } catch {
    return { ok: false, why: "expected JSON, but the answer is none" };
  }
}

function lengthOf(value: unknown): number | null {
  if (typeof value === "string" || Array.isArray(value)) return value.length;
  return typeof value === "object" && value !== null ? Object.keys(value).length : null;
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function unset(missing: readonly string[]): string {
  return `${missing.map((name) => `{{${name}}}`).join(" and ")} has no value: no request before saved it`;
}
