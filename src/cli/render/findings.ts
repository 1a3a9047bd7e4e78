import type { Finding } from "../doctor/finding.ts";
import { paint, type Style, symbols, type Tone } from "./style.ts";
import { padEnd, wrap } from "./text.ts";

/** What the doctor found, a line each; what is to be mended with how. */
export function findingsView(findings: readonly Finding[], style: Style): readonly string[] {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lead = width + 4;
  const bad = findings.filter(({ state }) => state === "bad").length;
  return [
    ...findings.flatMap((finding) => {
      const [symbol, tone] = markOf(finding, style);
      const [first = "", ...rest] = wrap(finding.sentence, Math.max(24, style.width - lead));
      const fixes = finding.fix === undefined || finding.state === "ok" ? [] : fixLines(finding.fix, lead, style);
      return [
        `${paint(style, tone, symbol)} ${padEnd(finding.name, width)}  ${first}`,
        ...rest.map((line) => " ".repeat(lead) + line),
        ...fixes,
      ];
    }),
    "",
    bad === 0
      ? paint(style, "good", "Ready to release.")
      : paint(style, "bad", `${bad} ${bad === 1 ? "thing is" : "things are"} in the way of a release.`),
  ];
}

function fixLines(fix: string, lead: number, style: Style): readonly string[] {
  const label = "fix  ";
  return wrap(fix, Math.max(24, style.width - lead - label.length)).map(
    (line, index) => " ".repeat(lead) + paint(style, "dim", index === 0 ? label : " ".repeat(label.length)) + line,
  );
}

function markOf({ state }: Finding, style: Style): readonly [string, Tone] {
  const marks = symbols(style);
  switch (state) {
    case "ok":
      return [marks.passed, "good"];
    case "info":
      return [marks.waiting, "dim"];
    case "warn":
      return ["!", "warn"];
    case "bad":
      return [marks.failed, "bad"];
  }
}
