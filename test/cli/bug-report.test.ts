import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bugReport } from "../../src/cli/ci/bug-report.ts";
import { inAFewWords, standingOf } from "../../src/cli/ci/forge.ts";
import { type Story, toldOn, UNTOLD } from "../../src/cli/ci/story.ts";
import { LIVE, NEEDS_PERSON, REFUSED, ROLLED_BACK } from "./support/statuses.ts";

describe("the bug that a rollback hands over, in Markdown", () => {
  it("says what was put back and why, where it failed, what is new in its log, and what was changed", () => {
    assert.equal(
      bugReport(ROLLED_BACK),
      `### \`9f2c1e\` was rolled back in production

Release 42 of \`shop\`, at **5%** of the traffic: errors 5.9% (4/68) against 0.08% (1/1 302), limit 1%.
All traffic is on \`a1f09c\`, 20ms after the decision.

| route | answer | failures | of stable in the same time |
|---|---|---|---|
| \`POST /checkout\` | 500 | 4 | 0 |

New in its log:

    TypeError: cart.total is undefined  (server.js:88)

2 commits between:

- Round totals in the cart
- Bump dependencies

Next: \`tidegate status 42\`, mend it, release again.
`,
    );
  });

  it("shows what a command said where that was the reason", () => {
    assert.match(bugReport(REFUSED) ?? "", /\n {4}npm error code ETARGET\n {4}npm error notarget/);
  });

  it("of a release that went well is none, and of one that waits says for what", () => {
    assert.equal(bugReport(LIVE), null);
    assert.match(bugReport(NEEDS_PERSON) ?? "", /^### Release 42 of `shop` waits for a person/);
  });

  it("is not made to call people, link elsewhere or break its own form by what an app logs", () => {
    const { rollback } = ROLLED_BACK;
    assert.ok(rollback?.evidence);
    const report =
      bugReport({
        ...ROLLED_BACK,
        rollback: {
          ...rollback,
          sentence: "@everybody [look](https://evil.example) <img src=x>",
          evidence: {
            ...rollback.evidence,
            routes: [{ route: "GET /a|b`c`", status: 0, bad: 1, stableBad: 0, excess: 1 }],
            lines: [{ text: "first\n```\n# heading", count: 1 }],
            commits: ["closes #1 @ann"],
          },
        },
      }) ?? "";
    assert.doesNotMatch(report, /@everybody|@ann|\[look\]\(|(?<!\\)<img|^```|^# /m);
    assert.match(report, /^\| `GET \/a¦b'c'` \| none \| 1 \| 0 \|$/m);
  });
});

describe("a release, told line by line", () => {
  const after = (...documents: readonly unknown[]): readonly [Story, readonly (string | null)[]] => {
    const turns: (string | null)[] = [];
    let story = UNTOLD;
    for (const document of documents) {
      const next = toldOn(story, typeof document === "string" ? document : JSON.stringify(document));
      ({ story } = next);
      turns.push(next.turn);
    }
    return [story, turns];
  };
  const planned = {
    type: "release-planned",
    release: 42,
    app: "shop",
    environment: "production",
    stable: { label: "a1f09c" },
    candidate: { version: "9f2c1edd", label: "9f2c1e" },
  };
  const share = (percent: number) => ({ type: "effect-confirmed", observed: { sharePercent: percent } });

  it("is news at its beginning, at each share, when a person is needed, and at its end", () => {
    const [story, turns] = after(
      planned,
      share(5),
      share(5),
      { type: "held", needsPerson: false, sentence: "x" },
      { type: "held", needsPerson: true, sentence: "No figures for 20m." },
      { type: "status", status: ROLLED_BACK },
    );
    assert.deepEqual(turns, ["begun", "moved", null, null, "waits", "ended"]);
    assert.equal(standingOf(story), "rolled-back");
    assert.match(inAFewWords(story), /^errors 5\.9%/);
  });

  it("may be mixed with lines of others", () => {
    const [story, turns] = after("npm notice", "{ not json", planned, '{"other":1}');
    assert.deepEqual([turns, story.release], [[null, null, "begun", null], 42]);
  });

  it("that is refused says why", () => {
    const [story, turns] = after({ fault: { code: "port-taken", what: "Port 80 is taken." } });
    assert.deepEqual([turns, standingOf(story), inAFewWords(story)], [["refused"], "broken", "Port 80 is taken."]);
  });

  it("says of a share that was taken away that all is on stable again", () => {
    const [begun] = after(planned, share(0));
    assert.equal(inAFewWords(begun), "9f2c1e is started and checked.");
    const [back] = after(planned, share(25), share(0));
    assert.equal(inAFewWords(back), "All of the traffic is on a1f09c again.");
  });

  it("waits for a person in words, and no longer once it goes on", () => {
    const [waits] = after(planned, { type: "held", needsPerson: true, sentence: "No figures." });
    assert.deepEqual([standingOf(waits), inAFewWords(waits)], ["waiting", "Waits for a person: No figures."]);
    const [on] = after(planned, { type: "held", needsPerson: true, sentence: "No figures." }, share(25));
    assert.deepEqual([standingOf(on), inAFewWords(on)], ["running", "25% of the traffic on 9f2c1e."]);
  });
});
