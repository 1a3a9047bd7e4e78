/** Bytes that are no text: the first that nobody can read. */
export interface Illegible {
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  readonly what: string;
  readonly fix: string;
}

/** The text of a file, with plain ends of lines and without a byte order mark; or why it is none. */
export function utf8Text(bytes: Buffer): string | Illegible {
  const zero = bytes.indexOf(0);
  if (zero !== -1) return illegible(bytes, zero, "There is a zero byte in it: it is no text in UTF-8.");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replaceAll("\r\n", "\n");
  } catch {
    const at = firstBad(bytes);
    const byte = (bytes[at] ?? 0).toString(16);
    return illegible(bytes, at, `This is not UTF-8 (byte 0x${byte}), so nobody can say what it means.`);
  }
}

function illegible(bytes: Buffer, at: number, what: string): Illegible {
  const lines = bytes.subarray(0, at).toString().split("\n");
  return {
    line: lines.length,
    column: (lines.at(-1) ?? "").length + 1,
    what,
    fix: "convert it first, for example: iconv -f latin1 -t utf-8",
  };
}

/** What could be read and is written back differs first where it could not be read. */
function firstBad(bytes: Buffer): number {
  const again = Buffer.from(bytes.toString());
  let at = 0;
  while (at < bytes.length && bytes[at] === again[at]) at += 1;
  return at;
}
