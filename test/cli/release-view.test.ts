import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Around, releaseView } from "../../src/cli/render/release-view.ts";
import type { Verdict } from "../../src/core/plan/guard.ts";
import type { Status } from "../../src/core/status/status.ts";
import * as statuses from "./support/statuses.ts";

function shown(status: Status, width: number, around: Around = {}, unicode = true): string {
  return `\n${releaseView(status, { width, colours: false, unicode }, around).join("\n")}\n`;
}

describe("the picture of a release shows", () => {
  it("a first release that starts", () => {
    assert.equal(
      shown(statuses.FIRST, 100, { hint: "Ctrl-C detaches" }),
      `
shop a1f09c  production                                           release 1 · 1.2s · Ctrl-C detaches
● start  ○ smoke  ○ shift 5%  ○ 100%  ○ retire
start …
`,
    );
  });

  it("a shift: steps, both versions, why, and when it is decided next", () => {
    assert.equal(
      shown(statuses.SHIFTING, 100, { hint: "Ctrl-C stops watching" }),
      `
shop a1f09c → 9f2c1e  production                         release 42 · 3m 08s · Ctrl-C stops watching
✔ start  ✔ smoke  ✔ warm  ● shift 5%  ○ 25%  ○ 100%  ○ day-1  ○ retire
last 1m     wanted  measured  requests  errors   p50   p95    p99  in flight
stable         95%     95.0%    12 310   0.10%  18ms  92ms  140ms         14
candidate       5%      5.0%       646   0.15%  <1ms  95ms   1.5s          1
Watching at 5%: errors 0.15% (1/646) against 0.1% (12/12 310), limit 1%. Next decision in 8m 48s.
`,
    );
  });

  it("the step after which there is no rollback, behind a line", () => {
    const last = statuses.SHIFTING.steps.at(-1)!;
    const contract = { ...last, id: "contract", name: "migrate contract", isPointOfNoReturn: true } as const;
    const lines = shown({ ...statuses.SHIFTING, steps: [...statuses.SHIFTING.steps, contract] }, 100).split("\n");
    assert.equal(
      lines[2],
      "✔ start  ✔ smoke  ✔ warm  ● shift 5%  ○ 25%  ○ 100%  ○ day-1  ○ retire  ┃ ○ migrate contract",
    );
  });

  it("what became of the schema in a rollback", () => {
    const schema = "The schema is as it was: 1 migration taken back.";
    const view = shown({ ...statuses.ROLLED_BACK, rollback: { ...statuses.ROLLED_BACK.rollback!, schema } }, 100);
    assert.match(view, /\n {2}The schema is as it was: 1 migration taken back\.\n/);
  });

  it("what a guard says that is only tried out, behind a label of its own", () => {
    const figures = { candidate: 0.2, stable: 0.092, limit: 1.15, n: 646, nStable: 12_310, windowMs: 60_000 };
    const sentence = "p95 210ms against 92ms, limit 1.15x, n = 646 (dry run, it would roll back)";
    const tried: Verdict = { metric: "p95", verdict: "fail", level: "rollback", dryRun: true, sentence, figures };
    assert.deepEqual(
      shown({ ...statuses.SHIFTING, verdicts: [tried] }, 100)
        .split("\n")
        .slice(-3, -1),
      [
        "Watching at 5%: errors 0.15% (1/646) against 0.1% (12/12 310), limit 1%. Next decision in 8m 48s.",
        `  tried ${sentence}`,
      ],
    );
  });

  it("a hold that ends by itself", () => {
    assert.equal(
      shown(statuses.HELD, 100),
      `
shop a1f09c → 9f2c1e  production                                                 release 42 · 3m 08s
✔ start  ✔ smoke  ✔ warm  ● shift 5%  ○ 25%  ○ 100%  ○ day-1  ○ retire
last 1m     wanted  measured  requests  errors   p50   p95    p99  in flight
stable         95%     95.0%    12 310   0.10%  18ms  92ms  140ms         14
candidate       5%      5.0%       646   0.15%  <1ms  95ms   1.5s          1
Held at 5%: p95 +38% against stable, limit +20%, n = 4 112. Goes on by itself once that is over.
`,
    );
  });

  it("a hold for want of figures, which ends by itself or by a person", () => {
    assert.equal(
      shown(statuses.WITHOUT_DATA, 100),
      `
shop a1f09c → 9f2c1e  production                                                 release 42 · 3m 08s
✔ start  ✔ smoke  ✔ warm  ● shift 5%  ○ 25%  ○ 100%  ○ day-1  ○ retire
last 1m     wanted  measured  requests  errors   p50   p95    p99  in flight
stable         95%     95.0%    12 310   0.10%  18ms  92ms  140ms         14
candidate       5%      5.0%       646   0.15%  <1ms  95ms   1.5s          1
Held at 5%: errors unknown: no requests on the candidate for 30s. Whoever acts goes on once that is
  over; a person can decide before.
  next  tidegate promote 42   goes on without waiting for it
        tidegate rollback 42  Puts 100% back on a1f09c at once, which still runs, then stops 9f2c1e.
                              Under 1s for users.
`,
    );
  });

  it("a hold that needs a person, with what that person can do", () => {
    assert.equal(
      shown(statuses.NEEDS_PERSON, 100),
      `
shop a1f09c → 9f2c1e  production                                                 release 42 · 3m 08s
✔ start  ✔ smoke  ✔ warm  ● shift 5%  ○ 25%  ○ 100%  ○ day-1  ○ retire
last 1m     wanted  measured  requests  errors   p50   p95    p99  in flight
stable         95%     95.0%    12 310   0.10%  18ms  92ms  140ms         14
candidate       5%      5.0%       646   0.15%  <1ms  95ms   1.5s          1
Held at 5%: Nobody knows whether "purge" was done: the engine that did it is gone.
  next  tidegate retry 42     tries "shift 5%" again
        tidegate promote 42   goes on without waiting for it
        tidegate rollback 42  Puts 100% back on a1f09c at once, which still runs, then stops 9f2c1e.
                              Under 1s for users.
`,
    );
  });

  it("a step that waits for an approval", () => {
    assert.equal(
      shown(statuses.WAITS_FOR_APPROVAL, 100),
      `
shop a1f09c → 9f2c1e  production                                                 release 42 · 3m 08s
● go-live  ○ shift 5%  ○ 25%  ○ 100%  ○ day-1  ○ retire
Held at 0%: Waits for a person with the role approver to approve.
  next  tidegate approve      approves "go-live" for 9f2c1e
        tidegate rollback 42  Puts 100% back on a1f09c at once, which still runs, then stops 9f2c1e.
                              Under 1s for users.
`,
    );
  });

  it("a checklist with the items that wait for a person", () => {
    assert.equal(
      shown(statuses.WAITS_FOR_ITEMS, 100, { openItems: ["go/backup-checked", "go/people-told"] }),
      `
shop a1f09c → 9f2c1e  production                                                 release 42 · 3m 08s
● check list  ○ shift 5%  ○ 25%  ○ 100%  ○ day-1  ○ retire
Held at 0%: 2 of 3 items of list.md wait for a person, the first: "Backup checked".
  next  tidegate approve --item go/backup-checked  ticks it
        tidegate approve --item go/people-told     ticks it
        tidegate rollback 42                       Puts 100% back on a1f09c at once, which still
                                                   runs, then stops 9f2c1e. Under 1s for users.
`,
    );
  });

  it("a pause, with who paused it and why", () => {
    assert.equal(
      shown(statuses.PAUSED, 100),
      `
shop a1f09c → 9f2c1e  production                                                 release 42 · 3m 08s
✔ start  ✔ smoke  ✔ warm  ● shift 5%  ○ 25%  ○ 100%  ○ day-1  ○ retire
last 1m     wanted  measured  requests  errors   p50   p95    p99  in flight
stable         95%     95.0%    12 310   0.10%  18ms  92ms  140ms         14
candidate       5%      5.0%       646   0.15%  <1ms  95ms   1.5s          1
Paused at 5% by bob: looking at the logs.
  next  tidegate resume 42    goes on
        tidegate rollback 42  Puts 100% back on a1f09c at once, which still runs, then stops 9f2c1e.
                              Under 1s for users.
`,
    );
  });

  it("a rollback under way", () => {
    assert.equal(
      shown(statuses.ROLLING_BACK, 100),
      `
shop a1f09c → 9f2c1e  production                                                     release 42 · 1m
✔ start  ✔ smoke  ✔ warm  ✖ shift 5%  ○ 25%  ○ 100%  ○ day-1  ○ retire
● ROLLING BACK from 5%: errors 5.9% (4/68) against 0.08% (1/1 302), limit 1%. Found in 7.6s.
  +0.02s 100% on a1f09c, read back
  app errors 4
`,
    );
  });

  it("a rollback with its evidence", () => {
    assert.equal(
      shown(statuses.ROLLED_BACK, 100, { exitCode: 10 }),
      `
shop a1f09c → 9f2c1e  production                                                     release 42 · 1m
✔ start  ✔ smoke  ✔ warm  ✖ shift 5%  ○ 25%  ○ 100%  ○ day-1  ○ retire

✖ ROLLED BACK at 5%: errors 5.9% (4/68) against 0.08% (1/1 302), limit 1%. Found in 7.6s.
  +0.02s 100% on a1f09c, read back   +1.30s candidate drained and stopped
  app errors 4 · failed by Tidegate 0
  why   POST /checkout 500 ×4, new in 9f2c1e
        TypeError: cart.total is undefined  (server.js:88)
        2 commits between, the newest: Round totals in the cart
  next  tidegate status 42                                                                   exit 10
`,
    );
  });

  it("a rollback of a release with a twin, which is stopped as well", () => {
    const { rollback } = statuses.ROLLED_BACK;
    const undone = [...rollback!.undone, { name: "stop-twin", afterMs: 1_500, failed: false }];
    const view = shown({ ...statuses.ROLLED_BACK, rollback: { ...rollback!, undone } }, 100);
    assert.match(view, / {3}\+1\.50s twin stopped\n/);
  });

  it("a few failures in very many requests as something, and none as nothing", () => {
    const [stable, candidate] = statuses.FIGURES;
    const view = (errorRate: number): string =>
      shown({ ...statuses.SHIFTING, versions: [stable!, { ...candidate!, errorRate }] }, 100);
    assert.match(view(0.000_04), /candidate .* <0\.01% /);
    assert.match(view(0), /candidate .* 0\.00% /);
  });

  it("a rollback of a version that crashed: not in how long that was found, and how it was stopped", () => {
    const { rollback } = statuses.ROLLED_BACK;
    const view = (stopped: "none" | "killed"): string =>
      shown(
        {
          ...statuses.ROLLED_BACK,
          rollback: {
            ...rollback!,
            kind: "crashed",
            undone: [{ name: "stop-candidate", afterMs: 1_300, failed: false, stopped }],
          },
        },
        100,
      );
    assert.match(view("none"), /\+1\.30s candidate had ended already\n/);
    assert.match(view("killed"), /\+1\.30s candidate drained, and killed: it did not end\n/);
    assert.doesNotMatch(view("killed"), /Found in/);
  });

  it("a rollback in which some got no answer, and one of which the figures don't tell", () => {
    const facts = (unanswered?: { readonly candidate: number; readonly stable: number }): string | undefined => {
      const { evidence, ...rollback } = statuses.ROLLED_BACK.rollback!;
      const { unanswered: _, ...known } = evidence!;
      const told = { ...known, ...(unanswered === undefined ? {} : { unanswered }) };
      const status = { ...statuses.ROLLED_BACK, rollback: { ...rollback, evidence: told } };
      return shown(status, 100)
        .split("\n")
        .find((line) => line.includes("app errors"));
    };
    assert.equal(facts(), "  app errors 4");
    assert.equal(facts({ candidate: 3, stable: 0 }), "  app errors 4 · 3 of them without an answer in time");
    assert.equal(facts({ candidate: 0, stable: 2 }), "  app errors 4 · 2 without an answer in time on stable");
  });

  it("a rollback whose guard looked at a part of the release: which figures are whose", () => {
    const { evidence, ...rollback } = statuses.ROLLED_BACK.rollback!;
    const status = { ...statuses.ROLLED_BACK, rollback: { ...rollback, evidence: { ...evidence!, failures: 37 } } };
    assert.match(shown(status, 100), /app errors 37 in all, 4 of them in the 1m that decided · failed by Tidegate 0/);
  });

  it("a version that could not start, with its last words", () => {
    assert.equal(
      shown(statuses.NEVER_STARTED, 100, { exitCode: 10 }),
      `
shop a1f09c → 9f2c1e  production                                                     release 42 · 1m
✖ start  ○ smoke  ○ warm  ○ shift 5%  ○ 25%  ○ 100%  ○ day-1  ○ retire

✖ ROLLED BACK at 0%: web did not become ready: its process ended with code 1 after 0.4s.
  +0.04s candidate drained and stopped
  where web-green-0-9f2c1edd, logs/web-green-0-9f2c1edd.log
  seen  > shop@2.0.0 start
        Error: DATABASE_URL is not set
            at connect (db.js:12:9)
  fix   tidegate.yaml has no \`files: [.env]\`, and .env lies beside it: add it to the service
  why   1 commit between: Read the database's address from the environment
  next  tidegate status 42                                                                   exit 10
`,
    );
  });

  it("a version that could not even be built", () => {
    assert.equal(
      shown(statuses.REFUSED, 100, { exitCode: 10 }),
      `
shop a1f09c → 9f2c1e  production                                                     release 42 · 1m
✖ start  ○ smoke  ○ warm  ○ shift 5%  ○ 25%  ○ 100%  ○ day-1  ○ retire

✖ ROLLED BACK at 0%: The build of web ended with code 1 after 900ms: npm ci.
  where logs/build-9f2c1e-web.log
  seen  npm error code ETARGET
        npm error notarget No matching version found for left-pad@9.9.9.
  fix   try it by hand: npm ci
  next  tidegate status 42                                                                   exit 10
`,
    );
  });

  it("a live release, with what is still to come", () => {
    assert.equal(
      shown(statuses.LIVE, 100),
      `
shop a1f09c → 9f2c1e  production                                                 release 42 · 3m 08s
✔ start  ✔ smoke  ✔ warm  ✔ shift 5%  ✔ 25%  ✔ 100%  ○ day-1  ○ retire

✔ LIVE: 9f2c1e serves all of shop production after 3m 09s.
  start 2.1s   smoke 380ms   warm 900ms   shift 5% 1m 01s   shift 25% 1m 02s   shift 100% 1m 03s
  deployment 3.4s, holds and waits apart
  later day-1 (due in 23h 53m), retire
  undo  tidegate rollback 42: Puts 100% back on a1f09c at once, which still runs, then stops 9f2c1e.
        Under 1s for users.
`,
    );
  });

  it("a closed release, with the time of each step", () => {
    assert.equal(
      shown(statuses.CLOSED, 100),
      `
shop a1f09c → 9f2c1e  production                                                 release 42 · 3m 08s
✔ start  ✔ smoke  ✔ warm  ✔ shift 5%  ✔ 25%  ✔ 100%  – day-1  ✔ retire

✔ CLOSED: 9f2c1e serves all of shop production after 3m 09s.
  start 2.1s   smoke 380ms   warm 900ms   shift 5% 1m 01s   shift 25% 1m 02s   shift 100% 1m 03s
  retire 1.4s
  deployment 3.4s, holds and waits apart
  undo  tidegate rollback 42: a1f09c was retired: starts it again (about 3s), then puts 100% on it,
        then stops 9f2c1e.
`,
    );
  });

  it("what was taken over and could not be stopped", () => {
    const leftRunning = [
      "127.0.0.1:3000 was stopped and runs again: something else than Tidegate starts it. Stop it there.",
    ];
    assert.match(
      shown({ ...statuses.CLOSED, leftRunning }, 100),
      / {2}note {2}127\.0\.0\.1:3000 was stopped and runs again: something else than Tidegate starts it\. Stop it\n {8}there\.\n/,
    );
  });

  it("a release after which there is no way back", () => {
    const would = "Not possible: adopted 127.0.0.1:3000 was retired. Instead, release the version that shall serve.";
    const view = shown({ ...statuses.CLOSED, rollbackWould: would, canRollBack: false }, 140);
    assert.match(view, /^ {2}undo {2}Not possible: adopted 127\.0\.0\.1:3000 was retired\./m);
    assert.doesNotMatch(view, /tidegate rollback/);
  });

  it("a failed release, with how to go on", () => {
    assert.equal(
      shown(statuses.FAILED, 100),
      `
shop a1f09c → 9f2c1e  production                                                     release 42 · 1m
✔ start  ✔ smoke  ✔ warm  ✖ shift 5%  ○ 25%  ○ 100%  ○ day-1  ○ retire

✖ ROLLBACK STOPPED, from 5%: errors 5.9% (4/68) against 0.08% (1/1 302), limit 1%. Found in 7.6s.
  +0.02s 100% on a1f09c, read back   +1.30s candidate drained and stopped
  app errors 4 · failed by Tidegate 0
  why   POST /checkout 500 ×4, new in 9f2c1e
        TypeError: cart.total is undefined  (server.js:88)
        2 commits between, the newest: Round totals in the cart
✖ NEEDS A PERSON: The rollback stopped at "share-to-stable": the data plane does not answer.
  where  proxy.sock
  fix    tidegate doctor ; then: tidegate retry 42
  code   traffic-unreachable
  next  tidegate retry 42
`,
    );
  });

  it("a rollback by a person: who and why, and what was found beside as just that", () => {
    const { rollback } = statuses.ROLLED_BACK;
    const byAnn = { ...rollback!, by: "ann", sentence: "Rolled back by ann: carts are empty." };
    const view = shown({ ...statuses.ROLLED_BACK, rollback: byAnn }, 100);
    assert.match(view, /✖ ROLLED BACK at 5%: Rolled back by ann: carts are empty\.\n/);
    assert.match(view, /^ {2}found POST \/checkout 500 ×4/m);
    assert.doesNotMatch(view, /^ {2}why /m);
  });

  it("a rollback for slowness: what failed beside it is found, and no reason", () => {
    const { rollback } = statuses.ROLLED_BACK;
    const by = (metric: string): string => shown({ ...statuses.ROLLED_BACK, rollback: { ...rollback!, metric } }, 100);
    for (const metric of ["p95", "memory", "carts"]) {
      assert.match(by(metric), /^ {2}found POST \/checkout 500 ×4/m);
      assert.doesNotMatch(by(metric), /^ {2}why /m);
    }
    assert.match(by("errors"), /^ {2}why {3}POST \/checkout 500 ×4/m);
  });

  it("many steps: those near the one that is due", () => {
    assert.equal(
      shown(statuses.MANY_STEPS, 80),
      `
shop a1f09c → 9f2c1e  production                             release 42 · 3m 08s
canary(✔ shift 1%  ✔ 2%  ✔ 3%  ✔ 4%  ✔ 5%  ✔ 6%  ✔ 7%  ✔ 8%  ✔ 9%  ✔ 10%)
early(✔ 11%  ✔ 12%  ✔ 13%  ✔ 14%  ✔ 15%  ✔ 16%  ✔ 17%  ● 18%  ○ 19%  ○ 20%)
wide(○ 21%  ○ 22%  ○ 23%  ○ 24%  ○ 25%  ○ 26%  ○ 27%  ○ 28%  ○ 29%  ○ 30%  ○ 31%
○ 32%  ○ 33%  ○ 34%  ○ 35%  ○ 36%  ○ 37%  ○ 38%  ○ 39%  ○ 40%)
last 1m     wanted  measured  requests  errors   p50   p95    p99  in flight
stable         95%     95.0%    12 310   0.10%  18ms  92ms  140ms         14
candidate       5%      5.0%       646   0.15%  <1ms  95ms   1.5s          1
Watching at 5%: errors 0.15% (1/646) against 0.1% (12/12 310), limit 1%. Next
  decision in 8m 48s.
`,
    );
  });

  it("a narrow terminal: the figures that decide", () => {
    assert.equal(
      shown(statuses.SHIFTING, 50, { hint: "Ctrl-C detaches" }),
      `
shop a1f09c → 9f2c1e  production
release 42 · 3m 08s · Ctrl-C detaches
✔ start  ✔ smoke  ✔ warm  ● shift 5%  ○ 25%
○ 100%  ○ day-1  ○ retire
last 1m     measured  requests  errors   p95
stable         95.0%    12 310   0.10%  92ms
candidate       5.0%       646   0.15%  95ms
Watching at 5%: errors 0.15% (1/646) against 0.1%
  (12/12 310), limit 1%. Next decision in 8m 48s.
`,
    );
  });

  it("a low terminal: where it stands and what to do, in eleven lines of forty columns", () => {
    const low = { height: 11, hint: "Ctrl-C detaches" };
    const notes = ["Stays to watch, because 5% of the traffic is on 9f2c1e."];
    assert.equal(
      shown(statuses.NEEDS_PERSON, 40, { ...low, notes }),
      `
shop a1f09c → 9f2c1e  production
release 42 · 3m 08s · Ctrl-C detaches
✔ 3 steps  ● shift 5%  … 4 more
Held at 5%: Nobody knows whether "purge"
  was done: the engine that did it is
  gone.
  next  tidegate retry 42
        tidegate promote 42
        tidegate rollback 42
Stays to watch, because 5% of the
  traffic is on 9f2c1e.
`,
    );
    for (const status of [statuses.SHIFTING, statuses.HELD, statuses.WITHOUT_DATA, statuses.PAUSED]) {
      const lines = shown(status, 40, { ...low, notes })
        .trim()
        .split("\n");
      assert.ok(lines.length <= 11, lines.join("\n"));
      assert.equal(lines.at(-1), "  traffic is on 9f2c1e.");
      assert.ok(lines.every((line) => Array.from(line).length <= 40));
    }
    assert.equal(shown(statuses.SHIFTING, 100, { height: 40 }), shown(statuses.SHIFTING, 100));
  });

  it("a wide terminal", () => {
    assert.equal(
      shown(statuses.SHIFTING, 140, { hint: "Ctrl-C detaches" }),
      `
shop a1f09c → 9f2c1e  production                                                                       release 42 · 3m 08s · Ctrl-C detaches
✔ start  ✔ smoke  ✔ warm  ● shift 5%  ○ 25%  ○ 100%  ○ day-1  ○ retire
last 1m     wanted  measured  requests  errors   p50   p95    p99  in flight
stable         95%     95.0%    12 310   0.10%  18ms  92ms  140ms         14
candidate       5%      5.0%       646   0.15%  <1ms  95ms   1.5s          1
Watching at 5%: errors 0.15% (1/646) against 0.1% (12/12 310), limit 1%. Next decision in 8m 48s.
`,
    );
  });

  it("a locale without more than ASCII", () => {
    assert.equal(
      shown(statuses.ROLLED_BACK, 100, { exitCode: 10 }, false),
      `
shop a1f09c -> 9f2c1e  production                                                    release 42 - 1m
+ start  + smoke  + warm  x shift 5%  o 25%  o 100%  o day-1  o retire

x ROLLED BACK at 5%: errors 5.9% (4/68) against 0.08% (1/1 302), limit 1%. Found in 7.6s.
  +0.02s 100% on a1f09c, read back   +1.30s candidate drained and stopped
  app errors 4 - failed by Tidegate 0
  why   POST /checkout 500 x4, new in 9f2c1e
        TypeError: cart.total is undefined  (server.js:88)
        2 commits between, the newest: Round totals in the cart
  next  tidegate status 42                                                                   exit 10
`,
    );
  });
});
