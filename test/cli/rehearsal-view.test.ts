import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import type { Context } from "../../src/cli/context.ts";
import { openRehearsalView } from "../../src/cli/rehearse/view.ts";

const WIDTH = 60;

/** A terminal in which a rehearsal is shown, with what was written to it: a picture each. */
function watched(): { readonly context: Context; readonly pictures: readonly string[] } {
  const pictures: string[] = [];
  const output = {
    columns: WIDTH,
    rows: 20,
    write: (text: string) => {
      const shown = stripVTControlCharacters(text);
      if (shown !== "") pictures.push(shown);
    },
  };
  const terminal = {
    isLive: true,
    output,
    style: () => ({ width: WIDTH, colours: false, unicode: true }),
    redirect: () => () => undefined,
  };
  return { context: { json: false, terminal } as unknown as Context, pictures };
}

describe("A rehearsal while it runs", () => {
  it("shows what goes on now on one line, however long that is, and again only when it is another", () => {
    const { context, pictures } = watched();
    using view = openRehearsalView(context);
    const said = `web-blue-0-${"x".repeat(80)} is not ready yet`;
    for (let looks = 0; looks < 10; looks += 1) view.now("start", said);
    equal(pictures.length, 1);
    const lines = (pictures[0] ?? "").trimEnd().split("\n");
    equal(lines.length, 1);
    match(lines[0] ?? "", /^● +\S+ {2}start: web-blue-0-x+…$/);
    ok(Array.from(lines[0] ?? "").length <= WIDTH);
    view.now("start", "warms");
    equal(pictures.length, 2);
  });

  it("shows nothing of a step below the line that says that it is over", () => {
    const { context, pictures } = watched();
    using view = openRehearsalView(context);
    view.now("start", "web is not ready yet");
    view.step("whole", { name: "start", state: "passed", tookMs: 7_600 });
    deepEqual(
      pictures.slice(1).map((picture) => picture.trimEnd()),
      ["", "✔     7.6s  start"],
    );
  });
});
