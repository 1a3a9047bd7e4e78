import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Effect } from "../../src/core/release/effect.ts";
import { noWayBack } from "../../src/core/decide/way-back.ts";
import { replay } from "../../src/core/release/evolve.ts";
import { upcast } from "../../src/core/release/upcast.ts";
import { statusOf } from "../../src/core/status/status.ts";
import { HOUR, MINUTE, SECOND } from "../../src/core/time/time.ts";
import { planOf, step } from "../support/plans.ts";
import { errorsVerdict, type Outcome, PureWorld } from "../support/pure-world.ts";

const FULL = planOf([
  step.backup(),
  step.migrate("expand"),
  step.start(),
  step.shift(5, MINUTE),
  step.shift(100, MINUTE),
  step.retire(),
  step.migrate("contract"),
  step.approve("day-1"),
]);

const BACK: Outcome = {
  observed: { reversed: ["2_b.sql"], kept: [{ file: "1_a.sql", why: "orders.note has 3 values" }] },
};

const ALL_WELL = (): Outcome => ({ observed: {} });

function released(plan = FULL, outcome: (effect: Effect) => Outcome | null = ALL_WELL): PureWorld {
  const world = new PureWorld(plan);
  world.verdicts = [errorsVerdict("pass")];
  world.outcome = (effect) => {
    if (effect.kind === "migrate-back") return BACK;
    return effect.kind === "migrate" && outcome === ALL_WELL && effect.phases.includes("contract")
      ? GONE
      : outcome(effect);
  };
  return world.settle();
}

/** What the contract step has found to do. */
const GONE: Outcome = { observed: { applied: [{ file: "3_c.sql", phase: "contract" }] } };

function kinds(world: PureWorld): readonly string[] {
  return world.done.map((effect) => (effect.kind === "migrate" ? `migrate ${effect.phases.join(" ")}` : effect.kind));
}

describe("a release that changes the schema", () => {
  it("backs up, expands before the new version starts, and contracts once the old one is retired", () => {
    const world = released().pass(3 * MINUTE);
    const all = kinds(world);
    deepEqual(all.slice(0, 5), ["backup", "prepare", "migrate expand", "prepare", "start"]);
    deepEqual(all.slice(-3), ["settle", "prepare", "migrate contract"]);
    equal(all.indexOf("stop") < all.indexOf("migrate contract"), true);
  });

  it("says while it migrates which step that is, once", () => {
    const world = released(FULL, (effect) => (effect.kind === "migrate" ? null : { observed: {} }));
    const { sentence } = statusOf(world.release, world.release.lastAt, null, "nobody");
    equal(sentence, "migrate expand …");
  });

  it("takes the schema back last of all in a rollback, and says what stays", () => {
    const world = released();
    world.verdicts = [errorsVerdict("fail", "rollback")];
    world.pass(10 * SECOND);
    equal(world.release.state, "rolled-back");
    const all = kinds(world);
    equal(all.at(-1) === "migrate-back" || all.indexOf("migrate-back") > all.lastIndexOf("stop"), true, all.join());
    equal(
      world.eventsOf("rolled-back")[0]?.sentence,
      "100% on v1, read back. Of the schema 1 migration taken back, 1 migration left, expanded: 1_a.sql: orders.note has 3 values.",
    );
  });

  it("says in a rollback how many rows its migrations deleted, whatever became of the schema", () => {
    const deleted = [{ table: "customers", rows: 500 }];
    const applied = [
      { file: "1_a.sql", phase: "expand", deleted },
      { file: "2_b.sql", phase: "expand", deleted: [...deleted, { table: "carts", rows: 1 }] },
    ];
    const world = released(FULL, (effect) => ({ observed: effect.kind === "migrate" ? { applied } : {} }));
    world.ask({ kind: "rollback" });
    world.pass(5 * MINUTE);
    match(
      world.eventsOf("rolled-back")[0]?.sentence ?? "",
      /What the migrations have taken away does not come back: 1000 rows of customers, 1 row of carts\.$/,
    );
  });

  it("names in a rollback each migration that stays, with its reason, and no more than three", () => {
    const sentence = (...kept: readonly { readonly file: string; readonly why: string }[]) => {
      const world = released();
      world.outcome = (effect) => ({ observed: effect.kind === "migrate-back" ? { reversed: [], kept } : {} });
      world.ask({ kind: "rollback" });
      return world.pass(5 * MINUTE).eventsOf("rolled-back")[0]?.sentence ?? "";
    };
    const stays = (name: string) => ({ file: `${name}.sql`, why: `It fills ${name}.` });
    match(
      sentence(stays("b"), stays("a")),
      /Of the schema 2 migrations left, expanded: b\.sql: It fills b; a\.sql: It fills a\.$/,
    );
    match(
      sentence(stays("e"), stays("d"), stays("c"), stays("b"), stays("a")),
      /5 migrations left, expanded: e\.sql: It fills e; d\.sql: It fills d; c\.sql: It fills c; and 2 more\.$/,
    );
  });

  it("says in a rollback that what it migrated is gone already, and never that nothing was changed", () => {
    const applied = [{ file: "1_a.sql" }, { file: "2_b.sql" }];
    const world = released(FULL, (effect) => ({ observed: effect.kind === "migrate" ? { applied } : {} }));
    world.outcome = () => ({ observed: { reversed: [], kept: [] } });
    world.ask({ kind: "rollback" });
    world.pass(5 * MINUTE);
    match(
      world.eventsOf("rolled-back")[0]?.sentence ?? "",
      /This release had migrated 2 files, and the database has none of them any more: somebody restored it, or took them back\.$/,
    );
  });

  it("is rolled back all the same when the schema can't be asked, and says why it stays", () => {
    const world = released();
    world.outcome = (effect) =>
      effect.kind === "migrate-back"
        ? { fault: { code: "database-unreachable", what: "PostgreSQL does not listen there." } }
        : { observed: {} };
    world.ask({ kind: "rollback" });
    world.pass(5 * MINUTE);
    equal(world.release.state, "rolled-back");
    match(
      world.eventsOf("rolled-back")[0]?.sentence ?? "",
      /The schema stays expanded, which does no harm: PostgreSQL does not listen there\.$/,
    );
  });

  it("never says of a schema that can't be asked that it stays expanded where its migrations were refused", () => {
    const fault = {
      code: "database-unreachable",
      what: "There is no folder for the database.",
      isBeforehand: true,
    } as const;
    const plan = planOf([step.migrate("expand"), step.start(), step.shift(100, MINUTE)]);
    const world = new PureWorld(plan);
    world.outcome = (effect) => (effect.kind.startsWith("migrate") ? { fault } : { observed: {} });
    world.settle().pass(MINUTE);
    match(
      world.eventsOf("rolled-back")[0]?.sentence ?? "",
      /No migration of this release was applied, as far as is known, and the database can't be asked: There is no folder for the database\.$/,
    );
  });

  it("asks nothing of the database in a rollback when it has not begun to migrate", () => {
    const plan = planOf([step.backup(), step.migrate("expand"), step.start(), step.shift(100, MINUTE)]);
    const world = released(plan, (effect) =>
      effect.kind === "backup" ? { fault: { code: "backup-not-made", what: "No room." } } : { observed: {} },
    ).pass(MINUTE);
    equal(world.release.state, "rolled-back");
    deepEqual(kinds(world), ["gather-evidence"]);
  });

  it("goes back when a migration fails, with what of it was done", () => {
    const plan = planOf([step.migrate("expand"), step.start(), step.shift(100, MINUTE)]);
    const world = released(plan, (effect) =>
      effect.kind === "migrate" ? { fault: { code: "migration-failed", what: "2_b.sql fails." } } : { observed: {} },
    ).pass(MINUTE);
    equal(world.release.state, "rolled-back");
    deepEqual(kinds(world).includes("migrate-back"), true);
    equal(kinds(world).includes("start"), false);
  });
});

describe("the contract step", () => {
  it("is the point of no return: a rollback is refused and says what remains", () => {
    const world = released();
    match(
      statusOf(world.release, { wall: world.wall, watched: world.watched }, null).rollbackWould ?? "",
      /takes back what was migrated where nothing is lost/,
    );
    world.pass(3 * MINUTE);
    const answer = world.ask({ kind: "rollback" });
    equal(answer.kind, "refused");
    match(
      answer.kind === "refused" ? answer.fault.what : "",
      /^The contract step has begun, and what v1 needs of the database may be gone/,
    );
    match(answer.kind === "refused" ? (answer.fault.fix ?? "") : "", /tidegate release/);
  });

  it("is none where there was nothing to take away, and stays one where nobody knows what a first try has done", () => {
    const nothing: Outcome = { observed: { applied: [] } };
    const world = released(FULL, () => nothing).pass(3 * MINUTE);
    equal(kinds(world).at(-1), "migrate contract");
    equal(world.ask({ kind: "rollback" }).kind, "accepted");

    let tries = 0;
    const failing = released(FULL, (effect) => {
      if (effect.kind !== "migrate" || !effect.phases.includes("contract")) return nothing;
      tries += 1;
      const lost = { code: "database-lost", what: "The server has gone." };
      return tries === 1 ? { contractStarted: "3_c.sql", fault: lost } : nothing;
    }).pass(3 * MINUTE);
    failing.ask({ kind: "retry" });
    failing.pass(MINUTE);
    equal(tries, 2);
    equal(failing.ask({ kind: "rollback" }).kind, "refused");
  });

  it("holds instead of going back when it fails: what is gone is gone", () => {
    const world = released(FULL, (effect) =>
      effect.kind === "migrate" && effect.phases.includes("contract")
        ? { contractStarted: "3_c.sql", fault: { code: "migration-failed", what: "3_c.sql fails." } }
        : { observed: {} },
    ).pass(3 * MINUTE);
    equal(world.release.state, "live");
    equal(world.release.hold?.needsPerson, true);
    match(world.release.hold?.because.sentence ?? "", /^3_c\.sql fails\. The contract step has begun/);
    equal(world.eventsOf("rollback-decided").length, 0);
  });

  it("that was refused before its first statement holds and leaves the way back open; one that may have run closes it", () => {
    const faults = [
      { code: "migration-phase-missing", what: "3_c.sql comes after 2_b.sql. Nothing was run.", isBeforehand: true },
      { code: "migration-failed", what: "3_c.sql fails." },
      { code: "migration-lint", what: "3_c.sql: an error. Nothing was run.", isBeforehand: true },
    ] as const;
    let tries = 0;
    const world = released(FULL, (effect) => {
      const fault = effect.kind === "migrate" && effect.phases.includes("contract") ? faults[tries++] : undefined;
      if (fault === undefined) return { observed: { applied: [] } };
      return fault.code === "migration-failed" ? { contractStarted: "3_c.sql", fault } : { fault };
    }).pass(3 * MINUTE);
    const told = (): string => world.release.hold?.because.sentence ?? "";
    equal(world.release.state, "live");
    equal(
      told(),
      "3_c.sql comes after 2_b.sql. Nothing was run. Nothing was taken away, so the way back to v1 is open.",
    );
    equal(noWayBack(world.release), null);

    world.ask({ kind: "retry" });
    world.pass(MINUTE);
    match(told(), /^3_c\.sql fails\. The contract step has begun/);
    world.ask({ kind: "retry" });
    world.pass(MINUTE);
    match(told(), /^3_c\.sql: an error\. Nothing was run\. The contract step has begun/);
    world.ask({ kind: "retry" });
    world.pass(MINUTE);
    equal(tries, 4);
    match(noWayBack(world.release) ?? "", /^The contract step has begun/);

    tries = 0;
    const back = released(FULL, (effect) =>
      effect.kind === "migrate" && effect.phases.includes("contract") ? { fault: faults[0] } : { observed: {} },
    ).pass(3 * MINUTE);
    equal(back.ask({ kind: "rollback" }).kind, "accepted");
    back.pass(MINUTE);
    equal(back.release.state, "rolled-back");
  });

  it("leaves the way back open while it waits for its locks, also when its engine dies meanwhile", () => {
    const waits = (effect: Effect): Outcome | null =>
      effect.kind === "migrate" && effect.phases.includes("contract") ? null : { observed: {} };
    const asked = (world: PureWorld): boolean =>
      world.eventsOf("effect-requested").some(({ effect }) => waits(effect) === null);
    const world = released(FULL, waits).pass(3 * MINUTE);
    ok(asked(world));
    equal(noWayBack(world.release), null);
    equal(world.ask({ kind: "rollback" }).kind, "accepted");
    equal(world.pass(MINUTE).release.state, "rolled-back");

    const dead = released(FULL, waits).pass(3 * MINUTE);
    dead.takeOver(MINUTE);
    ok(asked(dead));
    equal(dead.ask({ kind: "rollback" }).kind, "accepted");
  });

  it("closes the way back with its locks, for good when its engine dies before it has ended", () => {
    const world = released(FULL, (effect) =>
      effect.kind === "migrate" && effect.phases.includes("contract")
        ? { contractStarted: "3_c.sql", hangs: true }
        : { observed: {} },
    ).pass(3 * MINUTE);
    equal(world.ask({ kind: "rollback" }).kind, "refused");
    const beforehand = {
      code: "migration-locked",
      what: "Somebody else migrates. Nothing was run.",
      isBeforehand: true,
    } as const;
    world.outcome = () => ({ fault: beforehand });
    world.takeOver(MINUTE);
    world.pass(MINUTE);
    equal(world.release.hold?.needsPerson, true);
    match(noWayBack(world.release) ?? "", /^The contract step has begun/);
  });

  it("of a journal that was not told of that closes it from when it was asked for", () => {
    const waits = (effect: Effect): Outcome | null =>
      effect.kind === "migrate" && effect.phases.includes("contract") ? null : { observed: {} };
    const { history } = released(FULL, waits).pass(3 * MINUTE);
    const old = replay(history.map(({ event, at }) => ({ event: upcast(3, { ...event }), at })));
    match(old === null ? "" : (noWayBack(old) ?? ""), /^The contract step has begun/);
  });

  it("waits while another release runs, and goes on when that has ended", () => {
    const world = released();
    world.otherRuns = 7;
    world.pass(3 * MINUTE);
    equal(world.release.hold?.because.sentence, "The contract step waits until release 7 has ended.");
    world.pass(HOUR, MINUTE);
    equal(kinds(world).includes("migrate contract"), false);
    world.otherRuns = null;
    world.pass(MINUTE);
    equal(kinds(world).includes("migrate contract"), true);
  });

  it("does not come while the old version stands by, also when somebody leaves its retirement out", () => {
    const world = released();
    world.ask({ kind: "promote", skip: "retire" }, "bob", "it stays for a while");
    world.pass(3 * MINUTE);
    equal(world.release.standbyRetired, false);
    equal(kinds(world).includes("migrate contract"), false);
    equal(world.release.hold?.needsPerson, true);
    equal(
      world.release.hold?.because.sentence,
      "v1 is not retired, and the contract step would take away what it needs.",
    );
    world.ask({ kind: "promote" });
    equal(world.release.steps.find((each) => each.step === "migrate-contract")?.state, "passed");
    equal(kinds(world).includes("migrate contract"), false);
    const { steps } = statusOf(world.release, { wall: world.wall, watched: world.watched }, null);
    deepEqual(
      steps.filter(({ isPromotedPast }) => isPromotedPast === true).map(({ id }) => id),
      ["migrate-contract"],
    );
    equal(world.ask({ kind: "rollback" }).kind, "accepted");
  });
});
