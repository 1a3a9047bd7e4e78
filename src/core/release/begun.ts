import type { Effect } from "./effect.ts";
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
  /** Migrations that take away what the version before needs: the point of no return. */
  readonly contracted: boolean;
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
  contracted: false,
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
      return {
        ...begun,
        migrated: true,
        contracted: begun.contracted || effect.phases.includes("contract"),
      };
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
