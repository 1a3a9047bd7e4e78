import type { MigrationPhase } from "../plan/database.ts";
import type { Effect, EffectOf, Observed } from "./effect.ts";
import type { EventOf } from "./event.ts";

/**
 * What a release has asked of the outside at least once, whether it was done or not. A step back or a retry forgets what
 * a step has asked for; the world does not, and a rollback must not either.
 */
export interface Begun {
  /** Instances of the candidate. */
  readonly started: boolean;
  /** Instances of stable's twin. */
  readonly twin: boolean;
  /** A share of the traffic for it. */
  readonly traffic: boolean;
  /** Its workers in the place of stable's. */
  readonly workersMoved: boolean;
  /** The end of the standby: from then on nobody may count on it. */
  readonly standbyStop: boolean;
  /** Migrations of the schema, which a rollback takes back as far as nothing is lost by it. */
  readonly migrated: boolean;
  /**
   * What the contract step has done to what the version before needs. `taking`: it is about to be gone, or may be: the point of
   * no return, unless this try turns out to have been taken back whole.
   */
  readonly contract: "nothing" | "taking" | "taken";
  /** The commands of `run` steps, the first first. */
  readonly commands: readonly BegunCommand[];
}

export interface BegunCommand {
  readonly step: string;
  readonly undo: Effect | null;
  readonly done: boolean;
}

export const NOTHING_BEGUN: Begun = {
  started: false,
  twin: false,
  traffic: false,
  workersMoved: false,
  standbyStop: false,
  migrated: false,
  contract: "nothing",
  commands: [],
};

/** With what an effect asks for. What a rollback or a message asks for is none of it. */
export function withRequested(begun: Begun, { within, name, effect, inverse }: EventOf<"effect-requested">): Begun {
  if (within.kind === "undo" || within.kind === "message") return begun;
  if (name === "stop-standby") return { ...begun, standbyStop: true };
  if (within.kind !== "step") return begun;
  switch (effect.kind) {
    case "start":
      return effect.slot === "twin" ? { ...begun, twin: true } : { ...begun, started: true };
    case "share":
      return { ...begun, traffic: true };
    case "stop":
      return { ...begun, workersMoved: begun.workersMoved || name === "stop-stable-workers" };
    case "command": {
      const others = begun.commands.filter(({ step }) => step !== within.step);
      return { ...begun, commands: [...others, { step: within.step, undo: inverse, done: false }] };
    }
    case "migrate":
      return { ...begun, migrated: true, contract: contractBefore(begun, effect) };
    case "backup":
    case "migrate-back":
    case "prepare":
    case "settle":
    case "smoke":
    case "warm":
    case "machine-check":
    case "notify":
    case "gather-evidence":
    case "prune-versions":
      return begun;
  }
}

/** The step's command has run to its end. */
export function withCommandDone(begun: Begun, step: string): Begun {
  return { ...begun, commands: begun.commands.map((each) => (each.step === step ? { ...each, done: true } : each)) };
}

/** Whether the step's command has run to its end and nothing has undone it since. */
export function isCommandDone({ commands }: Begun, step: string): boolean {
  return commands.some((each) => each.step === step && each.done);
}

/** Of a try that is asked for now. Of one that was cut off nobody knows what it has taken. */
function contractBefore({ contract }: Begun, { phases, isUntold }: EffectOf<"migrate">): Begun["contract"] {
  if (contract !== "nothing") return "taken";
  return isUntold === true && phases.includes("contract") ? "taking" : "nothing";
}

/** It has its locks, and takes away. */
export function withContractStarted(begun: Begun): Begun {
  return begun.contract === "taken" ? begun : { ...begun, contract: "taking" };
}

/** A migration has failed. `isBeforehand`: nothing of any file is done; what an earlier try may have taken stays taken. */
export function withMigrationFailed(begun: Begun, isBeforehand: boolean): Begun {
  if (begun.contract !== "taking") return begun;
  return { ...begun, contract: isBeforehand ? "nothing" : "taken" };
}

/** A migration has ended: where it was the first to be asked to take away, and there was nothing to, nothing is gone. */
export function withMigrated(begun: Begun, { phases }: EffectOf<"migrate">, { applied }: Observed): Begun {
  const files = Array.isArray(applied) ? (applied as readonly { readonly phase: MigrationPhase }[]) : [];
  const hasTakenAway =
    begun.contract === "taken" || (phases.includes("contract") && files.some(({ phase }) => phase === "contract"));
  return { ...begun, contract: hasTakenAway ? "taken" : "nothing" };
}
