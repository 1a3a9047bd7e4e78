import { deepEqual, equal, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { type Guard, guardId } from "../../src/core/plan/guard.ts";
import { planOf, planWith, tells } from "./loading.ts";

const guardsAt = async (text: string, share: number): Promise<readonly Guard[]> => {
  const { steps } = await planOf(text);
  return steps.find((step) => step.kind === "shift" && step.share === share)?.guards ?? [];
};

describe("A guard that is only tried out", () => {
  it("has no part of the evidence, and the others have all of it", async () => {
    const guards = await guardsAt("guards: { p95: { dryRun: true } }", 500);
    deepEqual(
      guards.map(({ metric, dryRun, weight }) => [metric, dryRun, weight]),
      [
        ["errors", undefined, 1],
        ["p95", true, undefined],
        ["restarts", undefined, undefined],
      ],
    );
  });

  it("is one where it is written, and acts again where that is taken back", async () => {
    const text = `
      guards: { errors: { rollback: 2%, dryRun: true } }
      steps:
        - shift: 5%
        - shift: 25%
          guards: { errors: { dryRun: false } }
        - shift: 100%
    `;
    equal((await guardsAt(text, 500))[0]?.dryRun, true);
    equal((await guardsAt(text, 2_500))[0]?.dryRun, undefined);
  });

  it("with a weight is a mistake", () =>
    tells(
      planWith(`
        guards:
          errors: { rollback: 1.5x, dryRun: true, weight: 50% }
      `),
      `
        A dry run has no part of the evidence, so the weight of errors would change nothing.
          where  tidegate.yaml:6:43 · guards.errors.weight
          seen   6 |   errors: { rollback: 1.5x, dryRun: true, weight: 50% }
                   |                                           ^^^^^^
          fix    Remove \`weight\`, or \`dryRun\`.
          code   plan-value-invalid
      `,
    ));
});

describe("A guard that is looked at later than its step begins", () => {
  it("has its delay in each step, unless a step's own guards say otherwise", async () => {
    const text = `
      guards: { errors: { rollback: 2%, delay: 2m } }
      steps:
        - shift: 5%
        - shift: 25%
          for: 30s
          guards: { errors: { delay: 0s } }
        - shift: 100%
    `;
    equal((await guardsAt(text, 500))[0]?.delayMs, 120_000);
    equal((await guardsAt(text, 2_500))[0]?.delayMs, undefined);
    equal((await guardsAt(text, 10_000))[0]?.delayMs, 120_000);
  });

  it("later than its step is over is a mistake", () =>
    tells(
      planWith(`
        guards:
          errors: { rollback: 2%, delay: 2m }
        steps:
          - shift: 5%
            for: 2m
          - shift: 100%
            for: 1h
      `),
      `
        The step at 5% lasts 2m, so nobody would look at this guard in it before its time is over.
          where  tidegate.yaml:6:34 · guards.errors.delay
          seen   6 |   errors: { rollback: 2%, delay: 2m }
                   |                                  ^^
          fix    Write a shorter \`delay\`, or a longer \`for\` at the step; \`delay: 0s\` in the step's own \`guards\` switches it off there.
          code   plan-value-invalid
      `,
    ));

  it("has a delay with a unit", () =>
    tells(
      planWith(`
        guards:
          errors: { rollback: 2%, delay: 90 }
      `),
      `
        \`90\` has no unit.
          where  tidegate.yaml:6:34 · guards.errors.delay
          seen   6 |   errors: { rollback: 2%, delay: 90 }
                   |                                  ^^
          fix    Write \`90s\` for seconds, \`90m\` for minutes, \`90h\` for hours or \`90d\` for days.
          code   plan-value-invalid
      `,
    ));
});

describe("Limits of looks", () => {
  it("are those that are written, for limits over a window", async () => {
    const [errors] = await guardsAt(
      'guards: { errors: { rollback: "> 2%", failures: 20, inconclusive: 120, sourceErrors: 60, successes: 10 } }',
      500,
    );
    deepEqual(
      [errors?.failures, errors?.inconclusive, errors?.sourceErrors, errors?.successes, errors?.breaches],
      [20, 120, 60, 10, 3],
    );
    const [usual] = await guardsAt('guards: { errors: { rollback: "> 2%" } }', 500);
    deepEqual(
      Object.keys(usual ?? {}).filter((key) => ["failures", "inconclusive", "sourceErrors", "successes"].includes(key)),
      [],
    );
  });

  it("of what is tested with evidence, and of no looks at all, are mistakes", () =>
    tells(
      planWith(`
        guards:
          p95: { rollback: 1.5x, failures: 10 }
          errors: { rollback: "> 1%", successes: 0 }
      `),
      `
        \`failures\` is for limits over a window, and p95 has none.
          where  tidegate.yaml:6:26 · guards.p95.failures
          seen   6 |   p95: { rollback: 1.5x, failures: 10 }
                   |                          ^^^^^^^^
          fix    Write the limit as \`"> 1s"\`, or remove \`failures\`.
          code   plan-value-invalid

        \`successes\` must be at least 1, not 0.
          where  tidegate.yaml:7:42 · guards.errors.successes
          seen   7 |   errors: { rollback: "> 1%", successes: 0 }
                   |                                          ^
          code   plan-value-invalid
      `,
    ));

  it("of figures that the data plane has no part in are mistakes where they are about reading it", () =>
    tells(
      planWith(`
        guards:
          memory: { rollback: 90%, sourceErrors: 10 }
      `),
      `
        \`sourceErrors\` is for figures of the data plane, and memory is known of the processes themselves.
          where  tidegate.yaml:6:28 · guards.memory.sourceErrors
          seen   6 |   memory: { rollback: 90%, sourceErrors: 10 }
                   |                            ^^^^^^^^^^^^
          fix    Remove it.
          code   plan-value-invalid
      `,
    ));
});

describe("A guard by feature", () => {
  it("stands beside its metric's own, with its requests, its limits and its part of the evidence", async () => {
    const text = `
      guards:
        errors:
          features:
            checkout:
              only: { route: /checkout, method: post, header: { X-Plan: gold } }
              rollback: 2x
              weight: 40%
            search: { only: { route: /search }, warn: 1% }
      steps:
        - shift: 5%
        - shift: 25%
          guards: { errors: { features: { checkout: { hold: 3%, delay: 10s }, search: off } } }
        - shift: 50%
          guards: { errors: off }
        - shift: 100%
    `;
    const ids = (guards: readonly Guard[]): readonly unknown[] => guards.map((guard) => [guardId(guard), guard.weight]);
    const first = await guardsAt(text, 500);
    deepEqual(ids(first), [
      ["errors", 0.375],
      ["errors:checkout", 0.4],
      ["errors:search", undefined],
      ["p95", 0.225],
      ["restarts", undefined],
    ]);
    deepEqual(first[1]?.only, { method: "POST", path: "/checkout", header: { name: "x-plan", value: "gold" } });
    const [, second] = await guardsAt(text, 2_500);
    deepEqual(
      [second?.feature, second?.delayMs, Object.keys(second?.limits ?? {})],
      ["checkout", 10_000, ["rollback", "hold"]],
    );
    deepEqual(second?.only, first[1]?.only, "its requests are said once");
    deepEqual((await guardsAt(text, 2_500)).map(guardId), ["errors", "errors:checkout", "p95", "restarts"]);
    deepEqual((await guardsAt(text, 5_000)).map(guardId), ["p95", "restarts"], "without its metric it is off too");
    deepEqual(
      (await guardsAt(text, 10_000)).map(guardId),
      ["errors", "errors:search", "restarts"],
      "there is nothing to compare with",
    );
  });

  it("that is none, or two things at once, is told with its place", () =>
    tells(
      planWith(`
        guards:
          errors:
            features:
              checkout: { rollback: 1% }
              all: { only: {}, warn: 2%, rollback: 1% }
              gold: { only: { header: { a: b, c: d } }, rollback: 1% }
              search: { only: { route: /search }, rollback: 1% }
          p95:
            features:
              search: { only: { route: /find }, rollback: 1s, minRequests: 5 }
      `),
      `
        Nothing says which requests \`checkout\` is.
          where  tidegate.yaml:8:7 · guards.errors.features.checkout
          seen   8 |       checkout: { rollback: 1% }
                   |       ^^^^^^^^
          fix    Write \`only: { route: /checkout }\` in it.
          code   plan-value-invalid

        Every request is \`all\` by this.
          where  tidegate.yaml:9:14 · guards.errors.features.all.only
          seen   9 |       all: { only: {}, warn: 2%, rollback: 1% }
                   |              ^^^^
          fix    Say which: \`only: { route: /checkout, method: POST }\`.
          code   plan-value-invalid

        \`warn\` is beyond \`rollback\` here, so it is never reached.
          where  tidegate.yaml:9:30 · guards.errors.features.all.warn
          seen   9 |       all: { only: {}, warn: 2%, rollback: 1% }
                   |                              ^^
          fix    Swap the two limits.
          code   plan-value-invalid

        One header can be asked for.
          where  tidegate.yaml:10:23 · guards.errors.features.gold.only.header
          seen   10 |       gold: { only: { header: { a: b, c: d } }, rollback: 1% }
                    |                       ^^^^^^
          fix    Remove the others.
          code   plan-value-invalid

        \`search\` is made of other requests elsewhere in the plan.
          where  tidegate.yaml:14:17 · guards.p95.features.search.only
          seen   14 |       search: { only: { route: /find }, rollback: 1s, minRequests: 5 }
                    |                 ^^^^
          fix    Give one of them another name.
          code   plan-value-invalid

        \`minRequests\` is for limits over a window, and p95 of search has none.
          where  tidegate.yaml:14:55 · guards.p95.features.search.minRequests
          seen   14 |       search: { only: { route: /find }, rollback: 1s, minRequests: 5 }
                    |                                                       ^^^^^^^^^^^
          fix    Write the limit as \`"> 1s"\`, or remove \`minRequests\`.
          code   plan-value-invalid
      `,
    ));

  it("of a path that is none, and of what no request has, is told too", () =>
    tells(
      planWith(`
        guards:
          errors: { features: { pay: { only: { route: pay }, rollback: 1% } } }
          memory: { features: { pay: { rollback: 90% } } }
      `),
      `
        \`route\` must be a path that begins with \`/\`, not the text "pay".
          where  tidegate.yaml:6:47 · guards.errors.features.pay.only.route
          seen   6 |   errors: { features: { pay: { only: { route: pay }, rollback: 1% } } }
                   |                                               ^^^
          fix    Write it like \`route: /checkout\`.
          code   plan-value-invalid

        \`features\` is not known here.
          where  tidegate.yaml:7:13 · guards.memory.features
          seen   7 |   memory: { features: { pay: { rollback: 90% } } }
                   |             ^^^^^^^^
          fix    Known here: warn, hold, rollback, compare, promote, weight, window, minRequests, minEvents, delay, failures, inconclusive, sourceErrors, successes, to, dryRun, breaches, slo.
          code   plan-key-unknown
      `,
    ));

  it("is one too many when the data plane could not count them all", async () => {
    const features = Array.from({ length: 31 }, (_, i) => `f${i}: { only: { route: /${i} }, rollback: "> 1%" }`);
    await rejects(
      planOf(`guards: { errors: { features: { ${features.join(", ")} } } }`),
      /These are more comparisons and features than the data plane can count\./,
    );
  });
});

describe("Weights", () => {
  it("of what rolls back by no comparison are a mistake", () =>
    tells(
      planWith(`
        guards:
          errors: { rollback: 1%, weight: 50% }
      `),
      `
        Only a comparison that rolls back by itself, like \`rollback: 1.5x\`, has a weight, and errors has none.
          where  tidegate.yaml:6:27 · guards.errors.weight
          seen   6 |   errors: { rollback: 1%, weight: 50% }
                   |                           ^^^^^^
          fix    Remove \`weight\`, or write such a limit.
          code   plan-value-invalid
      `,
    ));

  it("that come to more than all of it, or to less with nobody to have the rest, are a mistake", async () => {
    await tells(
      planWith(`
        guards:
          errors: { weight: 70% }
          p95: { weight: 40% }
      `),
      `
        The weights of all comparisons come to 110%.
          where  tidegate.yaml:7:18 · guards.p95.weight
          seen   7 |   p95: { weight: 40% }
                   |                  ^^^
          fix    Together they are at most 100%; what is left goes to the comparisons without a weight.
          code   plan-value-invalid
      `,
    );
    await tells(
      planWith(`
        guards:
          errors: { weight: 50% }
          p95: { weight: 20% }
      `),
      `
        The weights of all comparisons come to 70%: what is left would be nobody's.
          where  tidegate.yaml:7:18 · guards.p95.weight
          seen   7 |   p95: { weight: 20% }
                   |                  ^^^
          fix    Together they are 100%. Leave one of them out, and it gets what is left.
          code   plan-value-invalid
      `,
    );
  });
});

it("A guard on a metric that does not exist is told with those that do", () =>
  tells(
    planWith(`
      guards:
        error: { rollback: 1% }
    `),
    `
      \`error\` is not known here; did you mean \`errors\`?
        where  tidegate.yaml:6:3 · guards.error
        seen   6 |   error: { rollback: 1% }
                 |   ^^^^^
        code   plan-key-unknown
    `,
  ));

describe("A guard that is held against another day", () => {
  const limitsAt = async (text: string, share: number) =>
    (await guardsAt(text, share)).find(({ metric }) => metric === "errors")?.limits;

  it("takes its factors as what stable did then, at 100% and where it is written while the traffic is split", async () => {
    const text = "guards: { errors: { compare: day-before, warn: 1.2x, rollback: [1%, 2x] } }";
    const limits = {
      warn: [{ kind: "before", factor: 1.2, days: 1 }],
      rollback: [
        { kind: "absolute", value: 0.01 },
        { kind: "before", factor: 2, days: 1 },
      ],
    };
    deepEqual(await limitsAt(text, 500), limits);
    deepEqual(await limitsAt(text, 10_000), limits);
    equal((await guardsAt(text, 500)).find(({ metric }) => metric === "errors")?.weight, undefined);
  });

  it("is compared with stable again where a narrower place says so, and leaves stable alone where only `after` asks", async () => {
    const after = "guards: { after: { errors: { compare: week-before, rollback: 2x } } }";
    deepEqual(await limitsAt(after, 500), { rollback: [{ kind: "relative", factor: 1.5 }] });
    deepEqual(await limitsAt(after, 10_000), { rollback: [{ kind: "before", factor: 2, days: 7 }] });
    const back = `
      guards: { errors: { compare: day-before, rollback: 2x } }
      steps: [{ shift: 5%, guards: { errors: { compare: stable } } }, { shift: 100% }]
    `;
    deepEqual(await limitsAt(back, 500), { rollback: [{ kind: "relative", factor: 2 }] });
    deepEqual(await limitsAt(back, 10_000), { rollback: [{ kind: "before", factor: 2, days: 1 }] });
  });

  it("that has nothing to hold is a mistake", () =>
    tells(
      planWith(`
        guards:
          errors: { compare: day-before, rollback: 1% }
          p95: off
      `),
      `
        \`compare\` says what a limit like \`1.5x\` is held against, and errors has none that is held against the day before.
          where  tidegate.yaml:6:13 · guards.errors.compare
          seen   6 |   errors: { compare: day-before, rollback: 1% }
                   |             ^^^^^^^
          fix    Write such a limit beside it, \`rollback: 1.5x\`, or remove \`compare\`.
          code   plan-value-invalid
      `,
    ));

  it("of a metric that can't be is a mistake", () =>
    tells(
      planWith(`
        guards:
          memory: { compare: week-before, warn: 80% }
      `),
      `
        \`compare\` is for errors, latencies and WebSockets, and memory is none of them.
          where  tidegate.yaml:6:13 · guards.memory.compare
          seen   6 |   memory: { compare: week-before, warn: 80% }
                   |             ^^^^^^^
          fix    Remove it.
          code   plan-value-invalid
      `,
    ));

  it("over a window is a mistake", () =>
    tells(
      planWith(`
        guards:
          errors: { compare: day-before, rollback: ['> 1%', 1.5x] }
      `),
      `
        This limit is never looked at: a list with a limit over a window, like \`"> 1%"\`, can't be held against another day.
          where  tidegate.yaml:6:44 · guards.errors.rollback
          seen   6 |   errors: { compare: day-before, rollback: ['> 1%', 1.5x] }
                   |                                            ^^^^^^^^^^^^^^
          fix    Remove it, or move it to where it can be measured.
          code   plan-value-invalid
      `,
    ));

  it("against a day that there is none of is a mistake", () =>
    tells(
      planWith(`
        guards:
          errors: { compare: yesterday, rollback: 1.5x }
      `),
      `
        \`compare\` must be \`stable\`, \`day-before\` or \`week-before\`, not \`yesterday\`.
          where  tidegate.yaml:6:22 · guards.errors.compare
          seen   6 |   errors: { compare: yesterday, rollback: 1.5x }
                   |                      ^^^^^^^^^
          code   plan-value-invalid
      `,
    ));
});
