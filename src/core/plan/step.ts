import type { BackupProof } from "../backup/record.ts";
import type { SmokeFlow } from "../smoke/smoke.ts";
import type { Duration } from "../time/time.ts";
import type { Share } from "../traffic/share.ts";
import type { Checklist } from "./checklist.ts";
import type { MigrationPhase } from "./database.ts";
import type { Guard } from "./guard.ts";

/** One thing that a release does. */
export type Step =
  | (StepBase & { readonly kind: "check"; readonly checklist: Checklist; readonly boundMs: Duration })
  | (StepBase & { readonly kind: "approve"; readonly role: string; readonly count: number })
  | (StepBase & { readonly kind: "window"; readonly window: Window })
  | (StepBase & { readonly kind: "backup"; readonly proof: BackupProof })
  | (StepBase & { readonly kind: "migrate"; readonly what: MigrationPhase | "all" })
  | (StepBase & { readonly kind: "start" })
  | (StepBase & { readonly kind: "smoke"; readonly flows: readonly SmokeFlow[] })
  | (StepBase & { readonly kind: "warm"; readonly warm: Warm })
  | (StepBase & {
      readonly kind: "shift";
      readonly share: Share;
      readonly hold: Hold;
      /** When even twice its time has not shown enough. `raise`: on to the next share, unless that is all. Absent: `hold`. */
      readonly unclear?: Unclear;
    })
  | (StepBase & { readonly kind: "notify"; readonly message: string; readonly to: readonly string[] })
  | (StepBase & {
      readonly kind: "run";
      readonly command: string;
      readonly undo?: string;
      readonly timeoutMs: Duration;
      /** `ask`: after a crash in the middle a person says whether it may run again. */
      readonly repeat: "safe" | "ask";
      /** It does nothing beyond its own version, so that a rehearsal runs it too. Absent: it may. */
      readonly rehearse?: true;
    })
  | (StepBase & { readonly kind: "retire" });

export type StepKind = Step["kind"];
export type StepOf<K extends StepKind> = Extract<Step, { readonly kind: K }>;

interface StepBase {
  /** Unique in the plan and stable while the file is unchanged: `04-shift-5`. */
  readonly id: string;
  /** For people: `shift 5%`, `day-1`. */
  readonly name: string;
  readonly phase?: { readonly name: string; readonly objective?: string };
  /** Watched while the step lasts. Defaults are compiled in. */
  readonly guards: readonly Guard[];
  readonly else: OnFailure;
  /** Not before this long (wall time) after the release went live. */
  readonly afterMs?: Duration;
  /** Where it stands in the plan file; absent for default steps. */
  readonly at?: { readonly file: string; readonly line: number };
}

/** What becomes of a share of which not enough is shown. */
export type Unclear = "raise" | "hold" | "step-back";

/** What becomes of a release when a step of it fails. */
export type OnFailure = "rollback" | "hold" | "step-back";

/** How long a step lasts: a time that must be watched, or until the judge has evidence, within a bound. */
export type Hold =
  | { readonly kind: "for"; readonly ms: Duration }
  | { readonly kind: "evidence"; readonly atLeastMs: Duration; readonly boundMs: Duration };

/** Whether the candidate is not where the rest of the plan needs it when this step has failed: nobody can go on past it. */
export function standsFirst({ kind }: Step): boolean {
  return kind === "start" || kind === "shift";
}

/** Pages that make the candidate warm. */
export interface Warm {
  readonly service: string;
  readonly pages: readonly string[];
  /** Warm when every page answers within this, `rounds` times in a row. */
  readonly withinMs: Duration;
  readonly rounds: number;
  /** A shell line whose exit code 0 says warm, instead of the time. */
  readonly until?: string;
  readonly boundMs: Duration;
}

export type Window =
  | { readonly kind: "times"; readonly spans: readonly WeeklySpan[]; readonly zone: string; readonly text: string }
  /** The quietest hours of the day by the traffic seen; with less than a day seen it holds and says so. */
  | { readonly kind: "quietest"; readonly hours: number; readonly zone: string };

/** Minutes since Monday 00:00 local time; `to` may lie before `from` (it wraps round the week). */
export interface WeeklySpan {
  readonly fromMinute: number;
  readonly toMinute: number;
}
