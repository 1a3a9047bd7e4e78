import { HIDDEN, redactor } from "../../core/text/redact.ts";

/** From, and up to where. */
export type Span = readonly [first: number, after: number];

/** In the name of a key whose value lets somebody in, whatever stands before or behind it there. */
const SECRET_WORD = "passw|passphrase|secret|token|bearer|credential|cookie|authori[sz]ation|api[-_]?key|_key";
const SECRET_NAME = new RegExp(SECRET_WORD, "i");

/** A key of such a name, and what stands behind it in its line: something in quotes, or all up to a closing bracket. */
const KEYED = new RegExp(
  String.raw`(?:${SECRET_WORD})[\w.-]*["']?\s*[:=]\s*(?<value>"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s"'{}[\],#|>&*!][^}\]\n]*)`,
  "gdi",
);

/** `user:password@` of an address. */
const USER_INFO = /:\/\/(?<value>[^\s/?#"'`<>]+)@/dg;

/** Chat webhooks, whose path is all that keeps others out. */
const HOOK = /:\/\/hooks\.[^\s/]+\/(?<value>[^\s"'`<>]+)/dg;

/** What is nothing but references, `${NAME}` or `{{name}}`, gives nothing away; a scheme may stand before it. */
const REFERENCES = /^["']?(?:(?:basic|bearer|digest|token)\s+)?(?:(?:\$\{\w+\}|\{\{[^{}]*\}\})[:\s]*)+["']?$/i;

/** Where in a line of a plan file, or of one that it names, secrets stand in plain text. */
export function secretsIn(line: string): readonly Span[] {
  return [...line.matchAll(KEYED), ...line.matchAll(USER_INFO), ...line.matchAll(HOOK)].flatMap(({ indices }) => {
    const [first, after] = indices?.groups?.["value"] ?? [0, 0];
    const value = valueOf(line.slice(first, after), line.slice(0, first));
    return value === "" || isReferences(value) ? [] : [[first, first + value.length]];
  });
}

/** Without what is written behind it: within `{ … }` and `[ … ]` a comma ends what has no quotes. */
function valueOf(rest: string, before: string): string {
  if (/^["']/.test(rest)) return rest;
  const isInline = /[{[][^}\]]*$/.test(before);
  return (isInline ? (rest.split(",")[0] ?? "") : rest).replace(/\s+#.*$/, "").trimEnd();
}

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

function isReferences(value: string): boolean {
  return REFERENCES.test(value.trim());
}

/** A sentence that may quote what was written: without `value`, where that is a secret, and without passwords of addresses. */
export function withoutSecret(sentence: string, value: string | undefined): string {
  const bare = value?.trim().replace(/^(["'])(.*)\1$/s, "$2") ?? "";
  return redactor([]).text(bare === "" || isReferences(bare) ? sentence : withoutWord(sentence, bare));
}

/** Only where it stands by itself: a password "word" is no part of "password". */
function withoutWord(sentence: string, word: string): string {
  const exactly = word.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
  return sentence.replaceAll(new RegExp(String.raw`(?<!\w)${exactly}(?!\w)`, "g"), HIDDEN);
}
