import type { MachineCheck } from "../plan/checklist.ts";
import type { Slot } from "../observation.ts";
import type { BackupProof } from "../backup/record.ts";
import type { MigrationPhase } from "../plan/database.ts";
import type { Warm } from "../plan/step.ts";
import type { NotifyTarget, Topic } from "../plan/receiver.ts";
import type { Share } from "../traffic/share.ts";
import type { SmokeFlow } from "../smoke/smoke.ts";
import type { Duration, Instant } from "../time/time.ts";

/**
 * An instruction to the outside, as data. The intent is in the journal before anything is done; a key makes doing it
 * twice harmless. What an effect needs beyond this (addresses, services) comes from the release's frozen plan.
 */
export type Effect =
  /** Make the version's folder: worktree and build, once. */
  | { readonly kind: "prepare"; readonly version: string }
  /** Run the services of a version in a slot, and wait until each instance has been seen ready. */
  | { readonly kind: "start"; readonly version: string; readonly slot: Slot; readonly services: readonly string[] }
  /** Drain and stop services of a slot. Confirmed when their processes are gone. */
  | {
      readonly kind: "stop";
      readonly version: string;
      readonly slot: Slot;
      readonly services: readonly string[];
      readonly drain: boolean;
    }
  /** Stop workers from taking work, without waiting for traffic. */
  | {
      readonly kind: "share";
      readonly share: Share;
      /** The twin of stable gets its part too. Absent: there is none, or it gets none. */
      readonly twin?: true;
    }
  /** Put the release's end into the table: one version, no candidate. */
  | { readonly kind: "settle"; readonly on: "stable" | "candidate" }
  | { readonly kind: "smoke"; readonly flows: readonly SmokeFlow[]; readonly through: "instance" | "front-door" }
  | { readonly kind: "warm"; readonly warm: Warm; /** Absent: the candidate. */ readonly of?: "twin" }
  | { readonly kind: "machine-check"; readonly item: string; readonly check: MachineCheck }
  | {
      readonly kind: "command";
      readonly command: string;
      readonly timeoutMs: Duration;
      readonly purpose: "run" | "undo";
    }
  /** `thread`: what the receiver called the first message, where it has said so. */
  | {
      readonly kind: "notify";
      readonly message: Message;
      readonly to: readonly NotifyTarget[];
      readonly thread?: string;
    }
  /** A backup of the database, proven as the step says; with `drill` the version's migrations are tried on the copy. */
  | { readonly kind: "backup"; readonly version: string; readonly proof: BackupProof }
  /**
   * `whole`: refused while migrations of other phases are pending. `isUntold`: of a journal that was not told when the contract
   * step took its first thing away.
   */
  | {
      readonly kind: "migrate";
      readonly version: string;
      readonly phases: readonly MigrationPhase[];
      readonly whole?: true;
      readonly isUntold?: true;
    }
  /** Reverses what this release migrated, as far as nothing is lost by it; the rest stays expanded. */
  | { readonly kind: "migrate-back"; readonly version: string }
  /** What the failing version did that stable did not: routes, log lines, commits. */
  | { readonly kind: "gather-evidence" }
  /** Keep only the newest prepared versions. */
  | { readonly kind: "prune-versions"; readonly keep: number };

export type EffectOf<K extends Effect["kind"]> = Extract<Effect, { readonly kind: K }>;

/** May a crashed effect simply be done again? `ask`: a person decides (an arbitrary command). */
export type Repeat = "safe" | "ask";

export interface Message {
  readonly topic: Topic;
  readonly title: string;
  readonly sentence: string;
  /** What the reader can do next. */
  readonly command?: string;
  /** When it became news; older journals lack it. */
  readonly at?: Instant;
  /** What lasts, for receivers that keep an alert of it. */
  readonly alert?: AlertPart;
}

/** One act upon an alert: the same key from its beginning to its end. */
export interface AlertPart {
  readonly key: string;
  readonly act: "open" | "acknowledge" | "resolve";
  readonly severity: "warning" | "critical";
}

/** What the adapter saw when it was done; plain JSON, small. Shown by `status`, kept in the journal. */
export type Observed = Readonly<Record<string, unknown>>;

/** `release/step/attempt/name`: the same instruction has the same key, for ever. */
export function effectKey(release: number, step: string, attempt: number, name: string): string {
  return `${release}/${step}/${attempt}/${name}`;
}
