import type { Slot } from "../observation.ts";
import type { Effect } from "../release/effect.ts";
import type { Service } from "../plan/service.ts";
import type { Step, StepOf } from "../plan/step.ts";
import type { Release } from "../release/release.ts";
import { WHOLE } from "../traffic/share.ts";
import { SECOND } from "../time/time.ts";
import { backupRecipe, MIGRATE_BACK, migrateRecipe } from "./database-recipe.ts";
import { type Ingredient, INSIST, ONCE, type Recipe } from "./ingredient.ts";
import { shareOf, startTwinRecipe, stopTwinRecipe, warmTwinRecipe } from "./twin-recipe.ts";

/** What a step does before it is watched. */
export function stepRecipe(release: Release, step: Step): Recipe {
  return [...takeOverRecipe(release, step), ...regainRecipe(release, step), ...ownRecipe(release, step)];
}

/** Nothing takes traffic, or nobody has said where another's load balancer is reached. */
function hasNoDoor(release: Release): boolean {
  const { kind, listen } = release.plan.traffic;
  return routed(release).length === 0 || (kind === "haproxy" && listen.length === 0);
}

/** A share that was lost while a step was due that gives none itself. */
function regainRecipe(release: Release, step: Step): Recipe {
  const { regain } = release;
  if (regain === null || step.kind === "shift") return [];
  return [
    {
      ...ONCE,
      ...INSIST,
      name: "share-again",
      inverse: { kind: "share", share: 0 },
      ...shareOf(release, step, regain),
    },
  ];
}

/**
 * What was taken over serves through the front door from the first step on: whoever goes there while the new version is
 * still being made must be answered.
 */
function takeOverRecipe(release: Release, step: Step): Recipe {
  const { stable, plan } = release;
  if (stable?.adopted === undefined || step.id !== plan.steps[0]?.id || routed(release).length === 0) return [];
  return [{ ...ONCE, ...INSIST, name: "take-over", effect: { kind: "settle", on: "stable" } }];
}

function ownRecipe(release: Release, step: Step): Recipe {
  switch (step.kind) {
    case "check":
      return step.checklist.items.flatMap((item) =>
        item.check === undefined || item.ticked
          ? []
          : [
              {
                ...ONCE,
                name: `check-${item.id}`,
                effect: { kind: "machine-check", item: item.id, check: item.check },
                tries: Math.max(1, Math.ceil(step.boundMs / (5 * SECOND))),
                backoffMs: 5 * SECOND,
              },
            ],
      );
    case "approve":
    case "window":
      return [];
    case "backup":
      return backupRecipe(release, step);
    case "migrate":
      return migrateRecipe(release, step);
    case "start":
      return [...startRecipe(release), ...startTwinRecipe(release, step)];
    case "smoke":
      return [
        { ...ONCE, name: "smoke-instance", effect: { kind: "smoke", flows: step.flows, through: "instance" } },
        ...(hasNoDoor(release)
          ? []
          : [
              {
                ...ONCE,
                name: "smoke-front-door",
                effect: { kind: "smoke", flows: step.flows, through: "front-door" },
              } as const,
            ]),
      ];
    case "warm":
      return [
        { ...ONCE, name: "warm", effect: { kind: "warm", warm: step.warm } },
        ...warmTwinRecipe(release, step, step.warm),
      ];
    case "shift":
      return shiftRecipe(release, step);
    // What it says is a message beside the release (messages.ts): nobody's webhook may hold it up.
    case "notify":
      return [];
    case "run":
      return [
        {
          ...ONCE,
          name: "command",
          effect: { kind: "command", command: step.command, timeoutMs: step.timeoutMs, purpose: "run" },
          inverse:
            step.undo === undefined
              ? null
              : { kind: "command", command: step.undo, timeoutMs: step.timeoutMs, purpose: "undo" },
          repeat: step.repeat,
        },
      ];
    case "retire":
      return retireRecipe(release);
  }
}

function startRecipe(release: Release): Recipe {
  const { version, slot } = release.candidate;
  const services = release.plan.services.filter(isStartedFirst).map(({ name }) => name);
  return [
    { ...ONCE, name: "prepare", effect: { kind: "prepare", version } },
    ...(services.length === 0
      ? []
      : [
          {
            ...ONCE,
            name: "start",
            effect: { kind: "start", version, slot, services },
            inverse: { kind: "stop", version, slot, services, drain: true },
          } as const,
        ]),
  ];
}

function shiftRecipe(release: Release, step: StepOf<"shift">): Recipe {
  const { candidate, stable } = release;
  const { share } = step;
  const recipe: Ingredient[] = share < WHOLE ? [...startTwinRecipe(release, step)] : [];
  const overlapping = workers(release, true);
  if (overlapping.length > 0)
    recipe.push(startWorkers("start-overlapping", candidate.version, candidate.slot, overlapping));
  if (routed(release).length > 0) {
    recipe.push({
      ...ONCE,
      ...INSIST,
      name: "share",
      inverse: { kind: "share", share: release.share },
      ...shareOf(release, step, share),
    });
  }
  const switched = workers(release, false);
  if (share < WHOLE && stable !== null && release.begun.workersMoved && switched.length > 0) {
    // After a step back from all of the traffic the work is stable's again, which runs before the others stop.
    recipe.push(startWorkers("start-stable-workers", stable.version, stable.slot, switched));
    recipe.push({
      ...ONCE,
      ...INSIST,
      name: "stop-candidate-workers",
      effect: { kind: "stop", version: candidate.version, slot: candidate.slot, services: switched, drain: false },
    });
  }
  if (share === WHOLE && switched.length > 0) {
    recipe.push(startWorkers("start-workers", candidate.version, candidate.slot, switched));
    if (stable !== null) {
      recipe.push({
        ...ONCE,
        ...INSIST,
        name: "stop-stable-workers",
        effect: { kind: "stop", version: stable.version, slot: stable.slot, services: switched, drain: false },
        inverse: { kind: "start", version: stable.version, slot: stable.slot, services: switched },
      });
    }
  }
  return share === WHOLE ? [...recipe, ...stopTwinRecipe(release, step)] : recipe;
}

/** Empty once the standby is retired: a newer release may have brought it forward. */
export function retireRecipe(release: Release): Recipe {
  const { stable } = release;
  if (release.standbyRetired) return [];
  return [
    ...(stable === null
      ? []
      : [
          {
            ...ONCE,
            ...INSIST,
            name: "stop-standby",
            effect: {
              kind: "stop",
              version: stable.version,
              slot: stable.slot,
              services: release.plan.services.map(({ name }) => name),
              drain: true,
            },
          } as const,
        ]),
    { ...ONCE, name: "prune", effect: { kind: "prune-versions", keep: release.plan.keepVersions }, optional: true },
    // Last, because with it the standby counts as retired.
    { ...ONCE, ...INSIST, name: "settle", effect: { kind: "settle", on: "candidate" } },
  ];
}

/**
 * The order of undoing (DESIGN §2): traffic first, then what was changed beside, then workers and the candidate, then
 * people. Once the end of the standby has begun the previous version is started again before traffic can go to it.
 */
export function undoRecipe(release: Release): Recipe {
  const { stable, candidate } = release;
  const recipe: Ingredient[] = [];
  const hasRoutes = routed(release).length > 0;
  const cold = stable !== null && release.begun.standbyStop;
  if (cold) {
    const services = release.plan.services.filter(isStartedFirst).map(({ name }) => name);
    recipe.push({ ...ONCE, ...INSIST, name: "prepare-stable", effect: { kind: "prepare", version: stable.version } });
    recipe.push({
      ...ONCE,
      ...INSIST,
      name: "start-stable",
      effect: { kind: "start", version: stable.version, slot: stable.slot, services },
    });
  }
  if (hasRoutes && hadTraffic(release)) {
    recipe.push({
      ...ONCE,
      tries: 1_000_000,
      backoffMs: SECOND,
      name: "share-to-stable",
      effect: { kind: "share", share: 0 },
      needsReady: cold ? "stable" : null,
    });
  }
  for (const { name, effect } of undoneCommands(release))
    recipe.push({ ...ONCE, name, effect, tries: 3, backoffMs: 2 * SECOND, optional: true });
  if (stable !== null) {
    const moved = release.begun.workersMoved ? workers(release, false) : [];
    const names = cold ? [...workers(release, false), ...workers(release, true)] : moved;
    if (names.length > 0)
      recipe.push({ ...startWorkers("start-stable-workers", stable.version, stable.slot, names), ...INSIST });
  }
  recipe.push({ ...ONCE, name: "gather-evidence", effect: { kind: "gather-evidence" }, optional: true });
  if (wasStarted(release)) {
    recipe.push({
      ...ONCE,
      ...INSIST,
      name: "stop-candidate",
      effect: {
        kind: "stop",
        version: candidate.version,
        slot: candidate.slot,
        services: release.plan.services.map(({ name }) => name),
        drain: true,
      },
    });
  }
  recipe.push(...stopTwinRecipe(release, null));
  if (hasRoutes && wasStarted(release))
    recipe.push({ ...ONCE, ...INSIST, name: "settle-stable", effect: { kind: "settle", on: "stable" } });
  // Last of what is changed, when nothing runs any more that could need it. What can't be taken back stays expanded.
  if (release.begun.migrated)
    recipe.push({
      ...ONCE,
      name: MIGRATE_BACK,
      effect: { kind: "migrate-back", version: candidate.version },
      tries: 5,
      backoffMs: 2 * SECOND,
      optional: true,
    });
  return recipe;
}

/**
 * Whether what was decided may begin before the journal knows of it: all traffic to a stable version that still runs,
 * and nothing else.
 */
export function mayGoAhead(release: Release): boolean {
  if (release.undo === null || release.stable === null) return false;
  const [first] = undoRecipe(release);
  return (
    first !== undefined &&
    first.effect.kind === "share" &&
    first.needsReady === null &&
    release.undo.effects[first.name]?.state !== "confirmed"
  );
}

function startWorkers(name: string, version: string, slot: Slot, services: readonly string[]): Ingredient {
  return {
    ...ONCE,
    name,
    effect: { kind: "start", version, slot, services },
    inverse: { kind: "stop", version, slot, services, drain: false },
  };
}

/** Services that take traffic. */
export function routed(release: Release): readonly Service[] {
  return release.plan.services.filter(({ routes }) => routes.length > 0);
}

/** Routed services start with the candidate; so does everything where nothing serves yet. */
function isStartedFirst(service: Service): boolean {
  return service.routes.length > 0;
}

function workers(release: Release, overlap: boolean): readonly string[] {
  return release.plan.services
    .filter((service) => service.routes.length === 0 && service.overlap === overlap)
    .map(({ name }) => name);
}

function wasStarted(release: Release): boolean {
  return release.begun.started || release.share > 0 || release.liveAt !== null;
}

/** A share was asked for at least once, whether it came into force or not. */
function hadTraffic(release: Release): boolean {
  return release.share > 0 || release.liveAt !== null || release.begun.traffic;
}

/** The inverses of commands that were at least begun, last first. */
function undoneCommands(release: Release): readonly { readonly name: string; readonly effect: Effect }[] {
  return release.begun.commands
    .flatMap(({ step, undo }) => (undo === null ? [] : [{ name: `undo-${step}`, effect: undo }]))
    .toReversed();
}
