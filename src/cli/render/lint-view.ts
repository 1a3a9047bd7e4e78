import { type Finding, isStopping, type LintedStatement } from "../../core/migration/finding.ts";
import { paint, type Style, symbols, type Tone } from "./style.ts";
import { cut, wrap } from "./text.ts";

const INDENT = "    ";

/** The findings, statement by statement, and how many there are. Notes only where `all` are asked for. */
export function lintView(statements: readonly LintedStatement[], all: boolean, style: Style): readonly string[] {
  const isShown = ({ severity, allowed }: Finding): boolean => all || (severity !== "info" && allowed === undefined);
  const shown = statements
    .map((each) => ({ ...each, findings: each.findings.filter(isShown) }))
    .filter(({ findings }) => findings.length > 0);
  return [...shown.flatMap((each) => [...statementLines(each, style), ""]), ...summary(statements, all, style)];
}

function statementLines({ file, line, sql, findings }: LintedStatement, style: Style): readonly string[] {
  const words = sql
    .replaceAll(/--[^\n]*|\s+/g, " ")
    .replaceAll(/ +/g, " ")
    .trim();
  return [
    `${paint(style, "strong", `${file}:${line}`)}  ${cut(words, Math.max(20, style.width - file.length - 10))}`,
    ...findings.flatMap((finding) => findingLines(finding, style)),
  ];
}

/** One finding: what is wrong, what is known of it, what to write instead. */
export function findingLines(
  { kind, rule, severity, message, fix, allowed, known }: Finding,
  style: Style,
): readonly string[] {
  const { failed, waiting, passed } = symbols(style);
  const marks = { error: [failed, "bad"], warning: ["!", "warn"], info: [waiting, "dim"] } as const;
  const [mark, tone]: readonly [string, Tone] = allowed === undefined ? marks[severity] : [passed, "good"];
  const [first = "", ...rest] = wrap(message, style.width - INDENT.length);
  const [lead, advice] = allowed === undefined ? ["fix  ", fix] : ["", `allowed because ${allowed}`];
  return [
    `  ${paint(style, tone, mark)} ${first}`,
    ...rest.map((line) => INDENT + line),
    ...(known === undefined ? [] : wrap(known, style.width - INDENT.length).map((line) => INDENT + line)),
    ...wrap(advice, style.width - INDENT.length - lead.length).map(
      (line, index) => INDENT + paint(style, "dim", (index === 0 ? lead : " ".repeat(lead.length)) + line),
    ),
    INDENT + paint(style, "dim", `${kind} · ${rule}`),
  ];
}

function summary(statements: readonly LintedStatement[], all: boolean, style: Style): readonly string[] {
  const findings = statements.flatMap((each) => each.findings);
  const open = findings.filter(({ allowed }) => allowed === undefined);
  const errors = findings.filter(isStopping).length;
  const warnings = open.filter(({ severity }) => severity === "warning").length;
  const notes = open.filter(({ severity }) => severity === "info").length;
  const allowed = findings.length - open.length;
  const files = new Set(statements.map(({ file }) => file)).size;
  const counts = [
    counted(errors, "error"),
    counted(warnings, "warning"),
    counted(notes, "note"),
    ...(allowed === 0 ? [] : [`${allowed} allowed`]),
  ].join(", ");
  const hidden = all || notes + allowed === 0 ? "" : " --all shows the notes too.";
  const of = `${counted(statements.length, "statement")} in ${counted(files, "file")}`;
  return [paint(style, errors > 0 ? "bad" : warnings > 0 ? "warn" : "good", `${of}: ${counts}.`) + hidden];
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
