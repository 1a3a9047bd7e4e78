import type { MigrationPhase } from "../../core/plan/database.ts";
import { saidToTidegate, wordOf } from "./header-words.ts";
import { headersOf } from "./headers.ts";

/** A part of a file that is run at once: the file itself, or one of its ways. */
export interface Script {
  /** As it was given. */
  readonly file: string;
  /** Of the same length as the file's, with blanks where other parts are, so that places are those of the file. */
  readonly text: string;
  /** Forward, or back. */
  readonly way: "up" | "down";
  /** In which release phase it runs, where it says so. */
  readonly phase: MigrationPhase | null;
  readonly transaction: OpenTransaction;
  /** Run by a tool that goes by its marks, and not by psql. */
  readonly isOfTool: boolean;
  /** Commands of psql, which no server understands. */
  readonly psql: readonly PsqlCommand[];
}

export interface PsqlCommand {
  /** Of its line in the text, in characters. */
  readonly at: number;
  /** With its words: `\\connect shop`. */
  readonly line: string;
}

/**
 * Whether a transaction is open when a script begins: "script" by what the file says or its tool is known to do, "assumed" by what the user
 * says; null: none is.
 */
export type OpenTransaction = "script" | "assumed" | null;

/** `-- migrate:up transaction:false` (dbmate), `-- +goose Up`, `-- +migrate Down`. */
export const MARK = /^[ \t]*--[ \t]*(?:migrate:|\+goose[ \t]+|\+migrate[ \t]+)(up|down)\b(.*)$/gim;
const WITHOUT_TRANSACTION = /transaction:[ \t]*false|notransaction|\+goose[ \t]+NO[ \t]+TRANSACTION/i;

/** Where the parts of a text begin and end, in characters: what stands before its first mark, and what each mark stands above. */
export function partsOf(text: string): readonly { readonly from: number; readonly to: number }[] {
  const starts = [0, ...[...text.matchAll(MARK)].map(({ index }) => index)];
  return starts.map((from, index) => ({ from, to: starts[index + 1] ?? text.length }));
}

export function isMark(line: string): boolean {
  return line.search(MARK) !== -1;
}

/** The parts of a file: both ways of it where it has marks for them, else the whole, in the transaction of files without marks. */
export function scriptsOf(file: string, text: string, unmarked: OpenTransaction): readonly Script[] {
  const marks = [...text.matchAll(MARK)];
  const { phase } = headersOf(text);
  const isSaidWithout = wordOf(saidToTidegate(text), "transaction") === "no";
  if (marks.length === 0) {
    const way = /[._-]down\.sql$/i.test(file) ? "down" : "up";
    const transaction = isSaidWithout ? null : unmarked;
    return [{ file, way, phase, transaction, isOfTool: unmarked === "script", ...withoutPsql(text) }];
  }
  const isWithout = isSaidWithout || /\+goose[ \t]+NO[ \t]+TRANSACTION/i.test(text);
  return marks.map((mark, index): Script => {
    const from = mark.index + mark[0].length;
    const to = marks[index + 1]?.index ?? text.length;
    return {
      file,
      way: mark[1]?.toLowerCase() === "down" ? "down" : "up",
      phase,
      isOfTool: true,
      transaction: isWithout || WITHOUT_TRANSACTION.test(mark[2] ?? "") ? null : "script",
      ...withoutPsql(blank(text.slice(0, from)) + text.slice(from, to) + blank(text.slice(to))),
    };
  });
}

/** Lines that psql itself takes, and the rows after `COPY … FROM stdin`, become blank. */
function withoutPsql(text: string): Pick<Script, "text" | "psql"> {
  const psql: PsqlCommand[] = [];
  let isData = false;
  let at = 0;
  const lines = text.split("\n").map((line) => {
    const start = at;
    at += line.length + 1;
    if (isData) {
      isData = !/^\\\.\s*$/.test(line);
      return blank(line);
    }
    isData = /^\s*copy\s[^;]*\sfrom\s+stdin\b[^;]*;\s*$/i.test(line);
    if (!/^\\[a-z!?.]/i.test(line)) return line;
    psql.push({ at: start, line: line.trim() });
    return blank(line);
  });
  return { text: lines.join("\n"), psql };
}

function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, " ");
}
