import type { Command } from "../core/command/command.ts";
import type { Fault } from "../core/fault.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { Status } from "../core/status/status.ts";
import type { Checker, CommandRunner, SmokeRunner, Warmer } from "../ports/tasks.ts";
import type { Clock } from "../ports/clock.ts";
import type { Databases } from "../ports/databases.ts";
import type { EmergencyLog } from "../ports/emergency-log.ts";
import type { EvidenceGatherer } from "../ports/evidence.ts";
import type { HealthProbe } from "../ports/health.ts";
import type { Journal } from "../ports/journal.ts";
import type { Metrics } from "../ports/metrics.ts";
import type { Notifier } from "../ports/notifier.ts";
import type { Runtime } from "../ports/runtime.ts";
import type { Traffic } from "../ports/traffic.ts";

/** Everything outside that the engine works with. `src/wiring` makes one of real adapters, tests one of simulated ones. */
export interface Ports {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly traffic: Traffic;
  readonly runtime: Runtime;
  readonly health: HealthProbe;
  readonly smoke: SmokeRunner;
  readonly warmer: Warmer;
  readonly checker: Checker;
  readonly commands: CommandRunner;
  readonly metrics: Metrics;
  readonly databases: Databases;
  readonly notifier: Notifier;
  readonly evidence: EvidenceGatherer;
  readonly emergencies: EmergencyLog;
}

export interface EngineOptions {
  /** Lets Tidegate's own smoke tests pin a version; random, kept in the state folder, never shown. */
  readonly engineToken: string;
  /** Values for `${UPPER}` of the plans that were met; looked up when an instance starts, never written down. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Called with a plan before anything is done by it: its values join `secrets`, and are hidden in all that is told. */
  readonly meet?: (plan: Plan) => void;
  /** Goes on checking health outside releases (`serve`). */
  readonly patrol: boolean;
  /** Between two looks: while a release runs, and while all wait. Tests of weeks take longer steps. */
  readonly pace?: { readonly busyMs: number; readonly idleMs: number };
}

/** What anybody asks of the engine that acts; kept in the journal's requests until it is answered. */
export type RequestBody =
  ReleaseRequest | { readonly kind: "command"; readonly command: Command; readonly reason?: string };

export interface ReleaseRequest {
  readonly kind: "release";
  readonly plan: Plan;
  /** As the user calls it: `HEAD`, a tag, a sha. */
  readonly version: string;
  /** Address of an instance that already runs, taken over as stable. */
  readonly adopt?: string;
  /** Undo the release that runs, completely, before this one begins. */
  readonly supersede: boolean;
  /** Refuse it when the version was taken back from visitors the last time: who asks has not been told of it. */
  readonly unlessPutBack?: boolean;
  readonly reason?: string;
}

export type RequestAnswer =
  | { readonly kind: "accepted"; readonly release: number; readonly sentence: string }
  | { readonly kind: "already"; readonly release: number; readonly sentence: string }
  | { readonly kind: "refused"; readonly fault: Fault };

/** The one that acts. Disposing of it stops acting: what runs goes on running, the journal waits. */
export interface Engine extends AsyncDisposable {
  readonly epoch: number;
  /** Why it acts no more though nobody disposed of it: whoever has a higher epoch does. null while it acts. */
  fenced(): Fault | null;
  /** Resolves when it is; never, while it acts. */
  readonly untilFenced: Promise<Fault>;
  /** Carries a request through the journal and answers when it was taken or refused. */
  ask(request: RequestBody, release: number | null, by: string): Promise<RequestAnswer>;
  /** Look at the open requests now: another process wrote one. */
  poke(): void;
  /** Live figures included; null for a release that does not exist. */
  status(release: number): Promise<Status | null>;
  /** Newest first. */
  releases(): Promise<readonly number[]>;
  /** Called after each change of any release, with its id. */
  onChange(listener: (release: number) => void): () => void;
  /** The last health patrol: each instance of the stable version, outside releases too. */
  patrol(): readonly PatrolResult[];
  /** Resolves when nothing of the release is left to do now: it has ended, or it waits for a person or a date. */
  untilSettled(release: number): Promise<Status>;
}

export interface PatrolResult {
  readonly instance: string;
  readonly service: string;
  readonly ok: boolean;
  readonly atMs: number;
  readonly text: string;
}

/** What `createEngine` answers when another process acts already. */
export type EngineStart = { readonly kind: "acting"; readonly engine: Engine } | { readonly kind: "another-acts" };
