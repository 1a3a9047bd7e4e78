import { type Command, command as carryOut } from "../../../src/core/command/command.ts";
import { FaultError } from "../../../src/core/fault.ts";
import { currentStep, isEnded, type Release } from "../../../src/core/release/release.ts";
import type { RequestBody } from "../../../src/engine/api.ts";
import type { Random } from "../random.ts";
import type { Acting } from "../world/engines.ts";
import type { World } from "../world/world.ts";
import type { Button, Press } from "./presses.ts";
import type { Scenario } from "./scenario.ts";

/** Those who press buttons: each goes by what the journal said when they looked, like the command line does. */
export interface People {
  press(press: Press): void;
  release(by: string, version: string, more?: { readonly supersede?: boolean; readonly adopt?: string }): number | null;
  ask(by: string, release: number, asked: Command, reason?: string): number | null;
  /** Asks whoever acts where a release stands. */
  look(release: number): void;
}

const ADDRESS = "127.0.0.1:3000";

export function createPeople(world: World, scenario: Scenario, random: Random): People {
  const { store, engines, ground, scheduler } = world;
  let released = 0;

  const write = (by: string, release: number | null, body: RequestBody, pokes: boolean): number | null => {
    try {
      const id = store.ask({ release, body, by, at: ground.wall() });
      if (pokes) engines.acting()?.engine.poke();
      return id;
    } catch (error) {
      // They see that the disk is full, and know that nothing came of it.
      if (error instanceof FaultError) return null;
      throw error;
    }
  };

  const release: People["release"] = (by, version, more = {}) => {
    const plan =
      version === "v1" ? scenario.first : (scenario.plans[released % scenario.plans.length] ?? scenario.first);
    if (version !== "v1") released += 1;
    return write(
      by,
      null,
      {
        kind: "release",
        plan,
        version,
        supersede: more.supersede ?? false,
        ...(more.adopt === undefined ? {} : { adopt: more.adopt }),
      },
      true,
    );
  };

  const look: People["look"] = (id) => {
    const acting = engines.acting();
    if (acting !== null) void askWhere(acting, id).catch(() => undefined);
  };

  const askWhere = async ({ process, engine }: Acting, id: number): Promise<void> => {
    const status = await engine.status(id);
    // While an append is under way the journal may be ahead of whoever made it.
    if (status === null || !process.alive || process.appending > 0 || process.isOwed) return;
    ground.tell({ kind: "status", by: process.id, status });
  };

  const act = ({ person, button, pokes, ofOlder }: Press, view: Release | null): void => {
    const [newest, older] = store.releases();
    if (button === "release" || button === "supersede") {
      ground.tell({ kind: "pressed", person, command: "release", release: null });
      release(person, `v${random.between(2, 4)}`, { supersede: button === "supersede" });
      return;
    }
    if (button === "rollback-now") return world.rollBackNow(person);
    const id = ofOlder ? (older ?? newest) : newest;
    if (id === undefined) return;
    if (button === "look") return look(id);
    const asked = view === null ? null : commandOf(button, view, random);
    if (asked === null || view === null) return;
    ground.tell({ kind: "pressed", person, command: asked.kind, release: id });
    // The command line tells a refusal by what it saw, before it asks anybody.
    const isRaw = button === "approve-other-plan" || button === "rollback" || button === "tick";
    if (!isRaw && carryOut(view, asked, { name: person }, "because", ground.wall()).kind !== "accepted") return;
    write(person, view.id, { kind: "command", command: asked, reason: "because" }, pokes);
  };

  return {
    release,
    look,
    ask: (by, id, asked, reason = "after all") => write(by, id, { kind: "command", command: asked, reason }, true),
    press: (press) => {
      const [newest, older] = store.releases();
      const id = press.ofOlder ? (older ?? newest) : newest;
      const view = id === undefined ? null : store.release(id);
      if (press.sawMsAgo === 0) act(press, view);
      else scheduler.after(press.sawMsAgo, null, () => act(press, view));
    },
  };
}

function commandOf(
  button: Exclude<Button, "release" | "supersede" | "look" | "rollback-now">,
  view: Release,
  random: Random,
): Command | null {
  const current = currentStep(view)?.step;
  const step = current === undefined ? {} : { step: current.id };
  switch (button) {
    case "approve":
      return { kind: "approve", planHash: view.planHash };
    case "approve-other-plan":
      return { kind: "approve", planHash: "the hash of another plan" };
    case "tick":
      return { kind: "tick", item: random.pick(["person", "person", "machine"]) };
    case "promote":
      return { kind: "promote", ...step };
    case "skip":
      return { kind: "promote", skip: random.pick(view.plan.steps).id };
    case "pause":
    case "resume":
    case "rollback":
    case "retry":
      return { kind: button };
    case "step-back":
      return { kind: "step-back", ...step };
  }
}

/** Somebody who wants to see the release through, and knows what each of its waits needs. */
export interface Helper {
  /** Signs what waits for a signature. */
  sign(): void;
  /** Does whatever it takes to bring every release to an end. */
  finish(): void;
  isFinished(): boolean;
}

/** What stands still for longer than this is given up. */
const PATIENCE_MS = 60_000;

export function createHelper(world: World, people: People, random: Random): Helper {
  const { store, scheduler } = world;
  const since = new Map<number, { progress: string; at: number }>();
  const retries = new Map<string, number>();
  const acknowledged = new Map<number, number>();

  const releases = (): readonly Release[] =>
    store.releases().flatMap((id) => {
      const found = store.release(id);
      return found === null ? [] : [found];
    });

  const asksAlready = (id: number): boolean => store.openRequests().some(({ release }) => release === id);

  const sign = (each: Release): boolean => {
    const current = currentStep(each);
    if (current === null || current.progress.state !== "running") return false;
    const { step, progress } = current;
    if (step.kind === "approve") {
      const who = ["bob", "eve", "ann"].find(
        (name) => carryOut(each, { kind: "approve" }, { name }, undefined, world.ground.wall()).kind === "accepted",
      );
      if (who === undefined) return false;
      if (random.chance(0.1)) {
        // Somebody had the page of another release open.
        people.ask(who, each.id, { kind: "approve", planHash: "the hash of another plan" });
        return true;
      }
      people.ask(who, each.id, { kind: "approve", planHash: each.planHash });
      return true;
    }
    if (step.kind === "check") {
      const item = step.checklist.items.find(
        ({ id, check, ticked }) => check === undefined && !ticked && progress.ticks[id] === undefined,
      );
      if (item === undefined) return false;
      people.ask("bob", each.id, { kind: "tick", item: item.id });
      return true;
    }
    return false;
  };

  const isStuck = (each: Release): boolean => {
    // Looks and messages go on where nothing else does.
    const progress = JSON.stringify([each.state, each.cursor, each.steps[each.cursor]?.attempt, each.undo?.effects]);
    const known = since.get(each.id);
    if (known?.progress !== progress) {
      since.set(each.id, { progress, at: scheduler.now() });
      return false;
    }
    return scheduler.now() - known.at > PATIENCE_MS;
  };

  /** Tries again twice, then goes back; where there is no way back, on. Some go on whatever has failed. */
  const decide = (each: Release): void => {
    const current = currentStep(each);
    const key = `${each.id}/${current?.step.id ?? ""}`;
    const tried = (retries.get(key) ?? 0) + 1;
    retries.set(key, tried);
    const step = current === null ? {} : { step: current.step.id };
    const on: readonly (readonly [Command, number])[] = [
      [{ kind: "promote", ...step }, 2],
      [{ kind: "promote", skip: current?.step.id ?? "" }, 4],
    ];
    const back: readonly (readonly [Command, number])[] = [
      [{ kind: "retry" }, 2],
      [{ kind: "rollback" }, 4],
      [{ kind: "promote", ...step }, 6],
      [{ kind: "promote", skip: current?.step.id ?? "" }, 10],
      [{ kind: "rollback" }, Number.POSITIVE_INFINITY],
    ];
    const options = random.chance(0.7) ? back : [...(random.chance(0.5) ? on : on.toReversed()), ...back];
    const mine = options.find(
      ([asked, until]) =>
        tried <= until && carryOut(each, asked, { name: "bob" }, "after all", world.ground.wall()).kind === "accepted",
    );
    if (mine !== undefined) people.ask("bob", each.id, mine[0]);
  };

  /** Says that somebody looks after it, sometimes twice, and sometimes where nothing is wrong. */
  const acknowledge = (each: Release): boolean => {
    const times = acknowledged.get(each.id) ?? 0;
    if (times > each.id % 3) return false;
    acknowledged.set(each.id, times + 1);
    people.ask("bob", each.id, { kind: "acknowledge" });
    return true;
  };

  const finish = (each: Release): void => {
    if (asksAlready(each.id) || acknowledge(each)) return;
    if (each.state === "failed") return void people.ask("bob", each.id, { kind: "retry" });
    if (each.paused !== null) return void people.ask("bob", each.id, { kind: "resume" });
    if (sign(each)) return;
    const current = currentStep(each);
    if (current?.step.kind === "window" && each.hold !== null)
      return void people.ask("bob", each.id, { kind: "promote", skip: current.step.id });
    if (each.hold?.needsPerson === true || current?.progress.state === "failed" || isStuck(each)) decide(each);
  };

  return {
    sign: () => {
      for (const each of releases()) if (!isEnded(each) && !asksAlready(each.id)) sign(each);
    },
    finish: () => {
      for (const each of releases()) if (!isEnded(each) || each.state === "failed") finish(each);
    },
    isFinished: () =>
      store.openRequests().length === 0 && releases().every((each) => isEnded(each) && each.state !== "failed"),
  };
}

export { ADDRESS as FOREIGN_ADDRESS };
