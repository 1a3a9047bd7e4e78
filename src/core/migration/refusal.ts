import type { Fault } from "../fault.ts";
import { type Finding, isStopping } from "./finding.ts";

interface Found {
  readonly file: string;
  readonly findings?: readonly (Finding & { readonly line: number })[];
}

/** An error that nobody has allowed, with its place. */
export interface Stopping extends Finding {
  readonly file: string;
  readonly line: number;
}

export function stoppingIn(files: readonly Found[]): readonly Stopping[] {
  return files.flatMap(({ file, findings = [] }) =>
    findings.filter(isStopping).map((finding) => ({ ...finding, file })),
  );
}

/** `db/2_index.sql:3 require-concurrent-index-creation: Nobody can write … orders has about 60 000 rows, 9 MB.` */
export function stoppingSentence({ file, line, rule, message, known }: Stopping): string {
  return `${file}:${line} ${rule}: ${message}${known === undefined ? "" : ` ${known}`}`;
}

/** Why they are refused; `what`: the sentence for so many errors. null: there is nothing to refuse. */
export function refusalOf(files: readonly Found[], what: (errors: string) => string): Fault | null {
  const all = stoppingIn(files);
  const [first] = all;
  if (first === undefined) return null;
  return {
    code: "migration-lint",
    what: what(`${all.length === 1 ? "an error" : `${all.length} errors`} that nobody has allowed`),
    where: `${first.file}:${first.line}`,
    detail: all.map(stoppingSentence),
    fix: `${first.fix} If it may be so, say why before the statement: ${allowing(first)}`,
  };
}

/** The comment that allows it, as the file's own language has comments. */
export function allowing({ file, rule }: Pick<Stopping, "file" | "rule">): string {
  const begin = /\.(?:py|rb)$/.test(file) ? "#" : /\.[cm]?[jt]s$/.test(file) ? "//" : "--";
  return `${begin} tidegate:allow ${rule} because …`;
}
