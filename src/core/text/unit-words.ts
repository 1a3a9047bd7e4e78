import { FaultError } from "../fault.ts";

/**
 * How words, paths and names are written for systemd. Sources: systemd.syntax(7), systemd.service(5) "Command lines",
 * systemd.exec(5) EnvironmentFile, systemd.unit(5) "String escaping for inclusion in unit names".
 */

/** Words as ExecStart reads them back: quoted, with `%`, and after the program `$`, doubled. */
export function commandLine(words: readonly string[]): string {
  return words.map((word, index) => unitWord(index === 0 ? word : word.replaceAll("$", "$$$$"))).join(" ");
}

/** One word of a list of words, such as an assignment of `Environment=`. */
export function unitWord(word: string): string {
  const text = specifiers(word)
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("\n", "\\n")
    .replaceAll("\t", "\\t")
    .replaceAll(/\p{Cc}/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `"${text}"`;
}

/** A path that takes the rest of its line: no quotes, but specifiers are still read. Faults: usage. */
export function unitPath(path: string): string {
  return specifiers(oneLine(path));
}

/** A text that takes the rest of its line, such as a description. Faults: usage. */
export function unitText(text: string): string {
  return specifiers(oneLine(text));
}

/** A line of an `EnvironmentFile=`: between its quotes everything is a part of the value, line breaks too. */
export function environmentLine(name: string, value: string): string {
  return `${name}="${value.replaceAll(/["\\`$]/g, (special) => `\\${special}`)}"`;
}

/** A part of a unit's name: bytes that can't stand there become `\xNN`. */
export function unitNamePart(text: string): string {
  return Array.from(text)
    .map((letter, index) => {
      if (/[A-Za-z0-9:_.-]/.test(letter) && !(index === 0 && letter === ".")) return letter;
      const bytes = encodeURIComponent(letter);
      const written = bytes === letter ? `%${letter.charCodeAt(0).toString(16)}` : bytes;
      return written.replaceAll("%", "\\x").toLowerCase();
    })
    .join("");
}

function specifiers(text: string): string {
  return text.replaceAll("%", "%%");
}

function oneLine(text: string): string {
  if (!/\p{Cc}/u.test(text)) return text;
  throw new FaultError({
    code: "usage",
    what: "A path with a line break or another control character in it can't stand in a systemd unit.",
    where: JSON.stringify(text),
    fix: "rename the folder",
  });
}
