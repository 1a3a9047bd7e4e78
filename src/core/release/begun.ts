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
   * How often the contract step has run, or may have: from then on what the version before needs may be gone (point of no
   * return). A try counts from when it is asked for until it is known to have been refused beforehand.
   */
  readonly contracts: number;
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
  contracts: 0,
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
      return { ...begun, migrated: true, contracts: begun.contracts + (effect.phases.includes("contract") ? 1 : 0) };
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

/** A migration was refused before its first statement: this try has taken nothing away. What an earlier one may have, stays counted. */
export function withRefused(begun: Begun, { phases }: EffectOf<"migrate">): Begun {
  return phases.includes("contract") ? { ...begun, contracts: Math.max(0, begun.contracts - 1) } : begun;
}

/** A migration has ended: where it was the first to be asked to take away, and there was nothing to, nothing is gone. */
export function withMigrated(begun: Begun, { applied }: Observed): Begun {
  const files = Array.isArray(applied) ? (applied as readonly { readonly phase: MigrationPhase }[]) : [];
  const hasTakenAway = begun.contracts > 1 || files.some(({ phase }) => phase === "contract");
  return hasTakenAway ? begun : { ...begun, contracts: 0 };
}
