/**
 * Text from outside (an app's answer, a command's output) as one line that is safe to show: no escape sequences, no
 * control or direction-changing characters, white space run together, cut at `limit` characters.
 */
export function onOneLine(text: string, limit = 200): string {
  // Cut before cleaning too, so that a huge text costs no more than what is shown of it.
  const line = withoutControls(text.slice(0, limit * 4))
    .replaceAll(/\s+/g, " ")
    .trim();
  return line.length > limit || text.length > limit * 4 ? `${line.slice(0, limit - 1)}…` : line;
}

/** A line as it was written, its indentation kept, without what could move a terminal's cursor or change its colours. */
export function withoutControls(text: string): string {
  return text
    .replaceAll(ESCAPE_SEQUENCE, "")
    .replaceAll(DIRECTION_MARK, "")
    .replaceAll(CONTROL, (control) => (control === "\t" || control === "\n" ? control : control === "\r" ? "" : " "));
}

/** The sentence with the full stop that it may lack: what follows it begins another one. */
export function fullStop(sentence: string): string {
  return /[.!?…]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** The sentence as a part of another one. */
export function withoutFullStop(sentence: string): string {
  return sentence.replace(/\.$/, "");
}

// Escape or its one-character form, "[", parameters, a final letter; and window titles up to their end mark.
const ESCAPE_SEQUENCE = /(?![\t\n\r])\p{Cc}(?:\[[0-?]*[ -/]*[@-~]|\][^\p{Cc}]{0,200}(?:(?![\t\n\r])\p{Cc}\\?)?)/gu;
const CONTROL = /\p{Cc}/gu;
const DIRECTION_MARK = /[\u{200e}\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}]/gu;
