import type { SmokeFlow } from "../smoke/smoke.ts";
import type { Duration } from "../time/time.ts";
import type { DatabasePlan } from "./database.ts";
import type { NotifyTarget, Paging } from "./receiver.ts";
import type { Service } from "./service.ts";
import type { Step } from "./step.ts";
import type { TrafficPlan } from "./traffic.ts";

/**
 * What a release will do: the plan file with every default, file and environment variable already worked in.
 * Frozen and hashed when the release starts. Plain JSON: it travels in the journal.
 */
export interface Plan {
  readonly format: 1;
  /** The version of the judge: guards are judged to the release's end by the rules with which it began. */
  readonly judge: 1 | 2;
  readonly app: string;
  readonly environment: string;
  readonly services: readonly Service[];
  readonly traffic: TrafficPlan;
  readonly steps: readonly Step[];
  readonly notify: readonly NotifyTarget[];
  /** Absent: nobody is called. */
  readonly page?: Paging;
  /** Person → roles. Empty: a team of one, who may do everything. */
  readonly people: Readonly<Record<string, readonly string[]>>;
  /** false: what would roll back holds instead (AUTOMATIC_ROLLBACK_ON_ERROR). */
  readonly automaticRollback: boolean;
  /** What the whole deployment may take, holds apart. */
  readonly budgetMs: Duration;
  /** What the data plane does with a partial share that no engine renews. */
  readonly unwatched: { readonly afterMs: Duration; readonly do: "stable" | "hold" };
  /** A share that something else has changed stays so, and holds the release. Absent: it is put right. */
  readonly drift?: "leave";
  /** Told to both versions in this rhythm while a share is judged. Absent: nothing is. */
  readonly probes?: { readonly flows: readonly SmokeFlow[]; readonly everyMs: Duration };
  /**
   * Shares below 100 % are compared with a twin: fresh instances of stable, as many as the candidate has, with as much of
   * the traffic. Absent: with stable itself.
   */
  readonly twin?: true;
  /** Absent: the plan says nothing of any. */
  readonly database?: DatabasePlan;
  /** What `tidegate rehearse` does otherwise than a release. Absent: the plan says nothing of it. */
  readonly rehearsal?: RehearsalPlan;
  /** How many prepared old versions stay on disk. */
  readonly keepVersions: number;
  /** How often `serve` checks health outside releases. */
  readonly patrolMs: Duration;
}

export interface RehearsalPlan {
  /** Over what every service gets in its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Services without a route are started too. */
  readonly workers: boolean;
  /** Asked besides those that the plan itself knows of. */
  readonly paths: readonly string[];
  /** A file of recorded requests, relative to the plan file's folder. */
  readonly requests?: string;
}
