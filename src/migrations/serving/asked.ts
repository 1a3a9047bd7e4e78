import { changesOf } from "../lint/changes-of.ts";
import type { SqlFile } from "../lint/lint.ts";
import { changesInside } from "../lint/read-statements.ts";
import { scriptsOf } from "../lint/script.ts";
import { bareName } from "../sql/object-name.ts";
import type { SqlParser } from "../sql/parser.ts";

/** Every name that a change of these files stands for: of what a catalogue is asked to judge them. */
export function namesAskedIn(files: readonly SqlFile[], parse: SqlParser): readonly string[] {
  const names = new Set<string>();
  for (const { name, text } of files)
    for (const script of scriptsOf(name, text, null))
      for (const statement of parse(script.text).statements)
        for (const change of [...changesOf(statement.node), ...changesInside(statement)]) gather(change, names);
  return [...names];
}

function gather(value: unknown, names: Set<string>): void {
  if (typeof value === "string") {
    if (value !== "") names.add(bareName(value));
  } else if (typeof value === "object" && value !== null)
    for (const [key, each] of Object.entries(value)) if (!NO_NAMES.has(key)) gather(each, names);
}

/** What kind of thing it is, in words of the linter's own. */
const NO_NAMES: ReadonlySet<string> = new Set(["kind", "what", "by", "default"]);
