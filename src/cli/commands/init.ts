import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { type Fault, FaultError } from "../../core/fault.ts";
import { ownersOfPort } from "../../local/listening-sockets.ts";
import { makeFolder } from "../../local/make-folder.ts";
import { answer, type Context } from "../context.ts";
import { type CommandDefinition, textOption } from "../definition.ts";
import { DONE } from "../exit-code.ts";
import { openFolder } from "../init/folder.ts";
import { fromMarkdown, type MarkdownPlan } from "../init/from-markdown.ts";
import { lookAt } from "../init/look.ts";
import { planText } from "../init/plan-text.ts";
import { PLAN_FILE_NAMES } from "../project.ts";
import { paint } from "../render/style.ts";
import { wrap } from "../render/text.ts";

export const init: CommandDefinition = {
  about:
    "Looks at this folder (package.json, Procfile, Dockerfile, compose file, sources) and writes a tidegate.yaml, says what it assumed, and what it could not know and you have to write. Starts nothing, and never overwrites a file. With --from it takes the steps and checklists from a Markdown plan that people follow by hand today.",
  arguments: [],
  options: [{ flags: "--from <file>", about: "a Markdown plan: its shares, times, sign-offs and task lists" }],
  examples: [
    { line: "tidegate init", does: "writes tidegate.yaml here" },
    { line: "tidegate init --from DEPLOYMENT.md", does: "and makes steps and checklists of the plan in DEPLOYMENT.md" },
  ],
  run: async (invocation) => {
    const { context } = invocation;
    const target = resolve(context.cwd, context.global.file ?? PLAN_FILE_NAMES[0]);
    const folder = dirname(target);
    mustNotExist(context, folder, target);
    const from = textOption(invocation, "from");
    const markdown = from === undefined ? null : readMarkdown(context, from);
    const facts = lookAt(openFolder(folder), (port) => ownersOfPort("127.0.0.1", port).uids.length > 0);
    const text = planText(facts, markdown?.steps ?? null);
    const files = [
      { path: target, text },
      ...(markdown?.checklists ?? []).map(({ file, text }) => ({ path: join(folder, file), text })),
    ];
    for (const { path, text } of files) writeNew(path, text);
    const assumed = [...facts.assumed, ...(markdown?.notes ?? [])];
    return tell(
      context,
      files.map(({ path }) => path),
      text,
      assumed,
      facts.unknown,
    );
  },
};

function mustNotExist(context: Context, folder: string, target: string): void {
  const names = context.global.file === undefined ? PLAN_FILE_NAMES.map((name) => join(folder, name)) : [target];
  const there = names.find((path) => existsSync(path));
  if (there === undefined) return;
  throw new FaultError({
    code: "plan-file-exists",
    what: `There is a plan file already, and it is not overwritten.`,
    where: there,
    fix: "tidegate plan shows what it does; to begin anew, move it away first",
  });
}

function readMarkdown(context: Context, from: string): MarkdownPlan {
  try {
    return fromMarkdown(readFileSync(resolve(context.cwd, from), "utf8"), from);
  } catch (error) {
    throw new FaultError({
      code: "plan-file-missing",
      what: `"${from}" can't be read.`,
      cause: error instanceof Error ? error.message : String(error),
      fix: "give --from the path of a Markdown file",
    });
  }
}

/** Faults: plan-file-exists, folder-not-writable. */
function writeNew(path: string, text: string): void {
  try {
    makeFolder(dirname(path), 0o777);
    writeFileSync(path, text, { flag: "wx" });
  } catch (error) {
    throw new FaultError(notWritten(path, error), { cause: error });
  }
}

/** Why a file that was to be new could not be written. */
export function notWritten(path: string, error: unknown): Fault {
  const isThere = (error as NodeJS.ErrnoException | null)?.code === "EEXIST";
  return {
    code: isThere ? "plan-file-exists" : "folder-not-writable",
    what: isThere
      ? "A file that was to be written is there already, and is not overwritten."
      : "A file that was to be written could not be.",
    where: path,
    cause: error instanceof Error ? error.message : String(error),
    fix: isThere
      ? "move it away, or go to another folder"
      : `make its folder one that you may write, with room on its disk (ls -ld ${dirname(path)} ; df -h ${dirname(path)}), or go to another`,
  };
}

function tell(
  context: Context,
  written: readonly string[],
  text: string,
  assumed: readonly string[],
  unknown: readonly string[],
): 0 {
  const style = context.terminal.style();
  const list = (title: string, sentences: readonly string[]): readonly string[] =>
    sentences.length === 0
      ? []
      : [
          "",
          paint(style, "strong", title),
          ...sentences.flatMap((one) => wrap(`- ${one}`, style.width - 2, "  ").map((line) => `  ${line}`)),
        ];
  answer(context, { written, assumed, unknown, text }, [
    ...written.map((path) => `Wrote ${relative(context.cwd, path)}`),
    "",
    ...text
      .trimEnd()
      .split("\n")
      .map((line) => paint(style, "dim", `  ${line}`)),
    ...list("Assumed", assumed),
    ...list("Not known", unknown),
    "",
    "Next: tidegate doctor, then tidegate plan, then tidegate release. Keep what was written in git.",
  ]);
  return DONE;
}
