import type { PlantedFault } from "./fault.ts";

/** Each was a mistake of the program's own once, or could have been. */
export const FAULTS: readonly PlantedFault[] = [
  {
    name: "share on an unready instance",
    rule: "I1",
    file: "src/core/decide/twin-recipe.ts",
    instead: `: { effect: { kind: "share", share }, needsReady: "candidate" }`,
    put: `: { effect: { kind: "share", share }, needsReady: null }`,
  },
  {
    name: "take an old readiness for a new one",
    rule: "I1",
    file: "src/core/decide/seen.ts",
    instead: `health.ready && Math.abs(now - health.readyAt) <= readyWindow(service.health)`,
    put: `health.readyAt > 0`,
  },
  {
    name: "skip a read-back",
    rule: "I2",
    file: "src/engine/world.ts",
    instead: `            await traffic.write(table, revision);
            state = await readBack(table, signal);`,
    put: `            state = await traffic.write(table, revision);`,
  },
  {
    name: "end a step without a look at the share",
    rule: "I2",
    file: "src/core/decide/decide.ts",
    instead: `const drift = step.kind === "shift" ? driftOf(release, step, seen) : null;`,
    put: `const drift = null;`,
  },
  {
    name: "weights that don't sum to 100",
    rule: "I2",
    file: "src/core/decide/decide.ts",
    instead: `step.kind === "shift" && release.stable === null && step.share < WHOLE`,
    put: `step.kind === "shift" && release.stable === null && step.share < 0`,
  },
  {
    name: "forget an epoch",
    rule: "I3",
    file: "src/engine/epoch.ts",
    instead: `      await place.claim(epoch);`,
    put: `      void place;`,
  },
  {
    name: "supersede before the undo has ended",
    rule: "I3",
    file: "src/core/release/release.ts",
    instead: `      return true;
    case "live":`,
    put: `      return release.undo === null;
    case "live":`,
  },
  {
    name: "promote on no data",
    rule: "I4",
    file: "src/core/decide/hold.ts",
    instead: `if (verdict.verdict === "pass" || verdict.verdict === "fail") return false;`,
    put: `return false;`,
  },
  {
    name: "roll back on no data",
    rule: "I4",
    file: "src/core/analysis/windows/plain-verdict.ts",
    instead: `  return most === undefined || inRow < most
    ? say(look, verdict, sentence)`,
    put: `  return most === undefined || inRow < most
    ? say(look, "fail", sentence, { level: "rollback" })`,
  },
  {
    name: "act on a dry run",
    rule: "I4",
    file: "src/core/decide/danger.ts",
    instead: `.filter(isActedOn)`,
    put: `.filter(() => true)`,
  },
  {
    name: "replay differs from live",
    rule: "I5",
    file: "src/engine/written.ts",
    instead: `    release = next;`,
    put: `    release = { ...next, paused: null };`,
  },
  {
    name: "no way back while paused",
    rule: "I7",
    file: "src/core/command/command.ts",
    instead: `  const ended = noWayBack(release);
  if (ended !== null) return refuse(`,
    put: `  const ended = noWayBack(release) ?? (release.paused === null ? null : "It is paused.");
  if (ended !== null) return refuse(`,
  },
  {
    name: "take the approval of another plan",
    rule: "I9",
    file: "src/core/command/sign-off.ts",
    instead: `asked.planHash !== undefined && asked.planHash !== release.planHash`,
    put: `asked.planHash !== undefined && asked.planHash === ""`,
  },
  {
    name: "let people approve their own releases",
    rule: "I9",
    file: "src/core/command/sign-off.ts",
    instead: `if (own && team > 1)`,
    put: `if (own && team < 0)`,
  },
  {
    name: "one approval for two",
    rule: "I9",
    file: "src/core/decide/hold.ts",
    instead: `if (given >= step.count) return null;`,
    put: `if (given >= 1) return null;`,
  },
  {
    name: "hold without a reason",
    rule: "I10",
    file: "src/core/decide/react.ts",
    instead: `return [{ type: "held", step: step.id, because, needsPerson }];`,
    put: `return [{ type: "held", step: step.id, because: { ...because, sentence: "" }, needsPerson }];`,
  },
  {
    name: "lease never renewed",
    rule: "I11",
    file: "src/engine/running-release.ts",
    instead: `await traffic.renew(epoch).catch(() => undefined);`,
    put: `await Promise.resolve(traffic);`,
  },
  {
    name: "lease never ends",
    rule: "I11",
    file: "src/engine/perform-traffic.ts",
    instead: `lease: isPartial ? { unwatchedMs: unwatched.afterMs, do: unwatched.do } : null,`,
    put: `lease: isPartial && unwatched.afterMs < 0 ? { unwatchedMs: unwatched.afterMs, do: unwatched.do } : null,`,
  },
  {
    name: "count unwatched time",
    rule: "time",
    file: "src/engine/watched-time.ts",
    instead: `return since <= longest ? since : 0;`,
    put: `return since;`,
  },
  {
    name: "count the time in which no engine was",
    rule: "time",
    file: "src/engine/take-over.ts",
    instead: `watched: loaded.release.lastAt.watched };
    const awayMs`,
    put: `watched: loaded.release.lastAt.watched + clock.wall() - loaded.release.lastAt.wall };
    const awayMs`,
  },
  {
    name: "acknowledge before the journal has it",
    rule: "intent",
    file: "src/engine/written.ts",
    instead: `      await journal.append(`,
    put: `      void journal.append(`,
  },
  {
    name: "do a command twice after a crash",
    rule: "once",
    file: "src/core/decide/progress.ts",
    instead: `effect?.state === "interrupted" && ingredient.repeat === "ask"`,
    put: `effect?.state === "interrupted" && ingredient.tries < 0`,
  },
  {
    name: "roll back without taking the traffic away first",
    rule: "undo",
    file: "src/core/decide/recipe.ts",
    instead: `  if (hasRoutes && hadTraffic(release)) {`,
    put: `  if (hasRoutes && hadTraffic(release) && cold) {`,
  },
  {
    name: "undo commands in the order in which they were run",
    rule: "undo",
    file: "src/core/decide/recipe.ts",
    instead: `    .toReversed();`,
    put: `;`,
  },
  {
    name: "forget the inverse of a run step",
    rule: "undo",
    file: "src/core/release/begun.ts",
    instead: `undo: inverse, done: false`,
    put: `undo: null, done: false`,
  },
  {
    name: "restart a drained instance",
    rule: "undo",
    file: "src/engine/perform-instances.ts",
    instead: `  const left = mine(await stage.world.freshInstances()).filter(({ adopted }) => !adopted);`,
    put: `  if (stage.release.undo !== null) await startServices(stage, { ...effect, kind: "start" }).catch(() => undefined);
  const left = mine([]).filter(({ adopted }) => !adopted);`,
  },
  {
    name: "go on with a release whose traffic was put back at once",
    rule: "undo",
    file: "src/core/release/emergency.ts",
    instead: `return goesBack ? `,
    put: `return goesBack && release.id < 0 ? `,
  },
  {
    name: "go back to a standby that is being stopped",
    rule: "dropped",
    file: "src/core/release/begun.ts",
    instead: `if (name === "stop-standby") return { ...begun, standbyStop: true };`,
    put: ``,
  },
  {
    name: "lose a command",
    rule: "asked",
    file: "src/engine/running-release.ts",
    instead: `          await book.append(answer.events);`,
    put: ``,
  },
  {
    name: "forget that a request has begun its release",
    rule: "asked",
    file: "src/engine/requests.ts",
    instead: `first.event.request !== asked`,
    put: `first.event.request !== -asked`,
  },
  {
    name: "leave the candidate running",
    rule: "end",
    file: "src/core/decide/recipe.ts",
    instead: `  if (wasStarted(release)) {`,
    put: `  if (wasStarted(release) && release.share > 0) {`,
  },
  {
    name: "contract while the old version stands by",
    rule: "I6",
    file: "src/core/decide/database-recipe.ts",
    instead: `  if (!standbyRetired)`,
    put: `  if (stable === null)`,
  },
  {
    name: "go back past the point of no return",
    rule: "I6",
    file: "src/core/decide/way-back.ts",
    instead: `  if (begun.contract !== "nothing")`,
    put: `  if (begun.contract !== "nothing" && stable.adopted !== undefined)`,
  },
  {
    name: "forget the schema in a rollback",
    rule: "I6",
    file: "src/core/decide/recipe.ts",
    instead: `  if (release.begun.migrated)`,
    put: `  if (release.begun.migrated && release.share > 0)`,
  },
  {
    name: "leave the twin running",
    rule: "end",
    file: "src/core/decide/twin-recipe.ts",
    instead: `if (twin === null || !release.begun.twin || (step !==`,
    put: `if (twin === null || release.begun.twin || (step !==`,
  },
  {
    name: "forget what was done while the disk was full",
    rule: "outcome",
    file: "src/engine/written.ts",
    instead: `      throw error;
    }
    owed = [];`,
    put: `      owed = [];
      throw error;
    }
    owed = [];`,
  },
];
