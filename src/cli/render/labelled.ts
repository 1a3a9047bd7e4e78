import { paint, type Style } from "./style.ts";
import { padEnd, wrap } from "./text.ts";

const LABEL_WIDTH = 6;

/** A paragraph behind a short label: `  why   POST /checkout 500 ×4, new in 9f2c1e`. Later lines stand under the first. */
export function labelled(label: string, paragraphs: readonly string[], style: Style): readonly string[] {
  const lead = " ".repeat(2 + LABEL_WIDTH);
  const lines = paragraphs.flatMap((text) => wrap(text, Math.max(20, style.width - lead.length)));
  return lines.map((line, index) =>
    index === 0 ? `  ${paint(style, "dim", padEnd(`${label} `, LABEL_WIDTH))}${line}` : `${lead}${line}`,
  );
}

/** Commands and what they do, in two columns behind one label. */
export function labelledCommands(
  label: string,
  commands: readonly { readonly command: string; readonly does: string }[],
  style: Style,
): readonly string[] {
  const width = Math.max(0, ...commands.map(({ command }) => command.length));
  return commands.flatMap(({ command, does }, index) => {
    const lead = 2 + LABEL_WIDTH + width + 2;
    // Beside a long command a long reason would stand in a column of its own, a word or two a line.
    const isNarrow = style.width - lead < 24 || wrap(does, style.width - lead).length > 2;
    const reasons = does === "" ? [] : wrap(does, style.width - (isNarrow ? 2 + LABEL_WIDTH + 2 : lead));
    const [first = "", ...rest] = isNarrow ? ["", ...reasons] : reasons;
    const begin = `  ${paint(style, "dim", padEnd(index === 0 ? label : "", LABEL_WIDTH))}`;
    const indent = isNarrow ? 2 + LABEL_WIDTH + 2 : lead;
    return [
      `${begin}${paint(style, "strong", padEnd(command, first === "" ? 0 : width))}${first === "" ? "" : `  ${paint(style, "dim", first)}`}`,
      ...rest.map((line) => " ".repeat(indent) + paint(style, "dim", line)),
    ];
  });
}
