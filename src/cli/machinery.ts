import type { InstanceSeen } from "../core/observation.ts";
import type { MigrationTool } from "../core/plan/database.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { TrafficState } from "../core/traffic/routing.ts";
import type { Duration, Instant } from "../core/time/time.ts";
import type { EngineOptions, Ports } from "../engine/api.ts";
import type { StateFolder } from "../local/state-folder.ts";
import type { Backups } from "../ports/backups.ts";
import type { Migrations } from "../ports/migrations.ts";
import type { EmergencyExit } from "../ports/emergency-exit.ts";
import type { HealthProbe } from "../ports/health.ts";
import type { Journal } from "../ports/journal.ts";
import type { AppDatabase } from "./app-database.ts";
import type { Finding } from "./doctor/finding.ts";
import type { Notice } from "../ports/notice.ts";
import type { Notifier, ReceiverCheck } from "../ports/notifier.ts";
import type { ExitCode } from "./exit-code.ts";
import type { ProjectToRehearse } from "../ports/project-to-rehearse.ts";
import type { CopyPlace, RehearsalCopies } from "../ports/rehearsal-copies.ts";
import type { Project } from "./project.ts";
import type { Terminal } from "./terminal.ts";

/**
 * What the command line gets from the program around it: the adapters and the other processes, which it must not
 * import itself. Each is loaded when it is first asked for, so that `--help` pays for none of them.
 */
export interface Machinery {
  /** Of Tidegate. */
  readonly version: string;
  openJournal(state: StateFolder): Promise<Journal>;
  /** Everything that an engine needs. Makes the state folder. */
  assemble(order: AssemblyOrder): Promise<Assembly>;
  /** The part of it that only looks: makes and starts nothing. */
  outside(order: AssemblyOrder): Promise<Outside>;
  /**
   * What the keeper of the state folder looks after (or a killed one has left alive), asked without starting one, and
   * what was taken over of an app; null where nothing runs. Faults: keeper-record-unreadable.
   */
  runningInstances(state: StateFolder, of: AppAndEnvironment | null): Promise<readonly InstanceSeen[] | null>;
  /** Hides what the plan takes from the environment. */
  healthProbe(plan: Plan): Promise<HealthProbe>;
  /** For messages outside a release: each is tried once. `say`: where those to the terminal go. */
  notifier(plan: Plan, say: (line: string) => void): Promise<Notifier & ReceiverCheck>;
  /** Backups of the app's database. */
  backups(place: AppDatabase): Promise<Backups>;
  /** Some files of a version, without making it; null: only making it would tell. */
  versionFiles(order: VersionFilesOrder): Promise<(AsyncDisposable & { readonly directory: string }) | null>;
  /** Migrations of the app's database. */
  migrations(place: AppDatabase, order: MigrationsOrder): Promise<Migrations>;
  /** Copies of the app's database for rehearsals; `state`: of the app, where a file's copy lies. */
  rehearsalCopies(place: AppDatabase, state: StateFolder, copyPlace: CopyPlace): Promise<RehearsalCopies>;
  /** What a rehearsal would find of the plan's compose project; null: it has none. Changes nothing. Faults: rehearsal-not-possible. */
  projectToRehearse(place: ProjectPlace): Promise<ProjectToRehearse | null>;
  /** Starts the database server of a rehearsal's own that its plan names. Faults: dependency-not-started, dependency-not-healthy. */
  startRehearsedServer(place: ProjectPlace, signal: AbortSignal): Promise<void>;
  /** Removes the containers, networks, volumes and images of a rehearsal, in whose state folder the engines are named. */
  removeRehearsed(state: StateFolder, id: string): Promise<void>;
  /** Removes every version that was made in a state folder, and what git knows of it. */
  removeVersions(state: StateFolder, planFolder: string): Promise<void>;
  /** What `rollback --now` works with. */
  emergencyExit(state: StateFolder): Promise<EmergencyExit>;
  isKeeperThere(state: StateFolder): Promise<boolean>;
  /** Ports on which systemd has the keeper's listening sockets open; empty where no keeper runs, or it opens its own. */
  portsOfSystemd(state: StateFolder): Promise<readonly number[]>;
  /** What the data plane of the state folder says of itself; null where none answers. */
  dataPlane(state: StateFolder): Promise<TrafficState | null>;
  /**
   * Stops all instances, the proxy and the keeper of the state folder, or what a killed one left. Load balancers that are not
   * Tidegate's are left as they are, and answered: null where its own proxy divides the traffic.
   */
  stopEverything(state: StateFolder): Promise<LeftBalancers | null>;
  /** Stops some of the keeper's instances, with the time that they get after SIGTERM by default. Faults: keeper-not-started. */
  stopInstances(state: StateFolder, ids: readonly string[]): Promise<void>;
  /** Resolves when the process is told to end. `takeOver`: from a keeper of any version, not of an older one only. */
  runKeeper(state: StateFolder, takeOver: boolean): Promise<void>;
  /** Has a new keeper take over from the one that runs, or starts one. Faults: keeper-not-started (the old one goes on). */
  restartKeeper(state: StateFolder): Promise<KeeperRestarted>;
  runProxy(state: StateFolder, listen: readonly string[]): Promise<void>;
  /**
   * Lets a new process of the data plane take over from the one that runs. Faults: no-proxy, proxy-still-leaving,
   * proxy-not-started (the old one serves on).
   */
  restartProxy(state: StateFolder, within: LeaveWithin): Promise<ProxyRestarted>;
  /** What `tidegate haproxy` works with. */
  haproxy(): Promise<HaproxyTools>;
  /** Answers the exit code. Faults: demo-not-begun, git-failed, usage. */
  runDemo(order: DemoOrder): Promise<ExitCode>;
  /** How this very program is started again: Node, its flags, the script. */
  readonly self: readonly string[];
}

export interface VersionFilesOrder {
  readonly project: Project;
  readonly plan: Plan;
  /** Its full name. */
  readonly version: string;
  /** Relative to the plan file's folder. */
  readonly paths: readonly string[];
}

export interface MigrationsOrder {
  readonly tool: MigrationTool;
  /** How long it tries to get a lock; absent: two minutes. */
  readonly waitMs?: Duration;
  /** Absent: as the plan says. */
  readonly lint?: "refuse" | "warn";
}

/** A user's own HAProxy: its configuration, and how it is steered. All of a plan whose traffic it divides. */
export interface HaproxyTools {
  /** Tidegate's part of a configuration, as text. Pure. */
  fragment(plan: Plan): { readonly rules: string; readonly ending: string; readonly sections: string };
  /** Faults: haproxy-configuration-unreadable. */
  read(path: string): string;
  /** A configuration with Tidegate's part in it. Pure. Faults: haproxy-frontend-unclear. */
  edited(
    text: string,
    plan: Plan,
    at: { readonly where: string; readonly frontend?: string | undefined },
  ): { readonly text: string; readonly frontend: string; readonly notes: readonly string[] };
  /** What HAProxy itself says of a configuration; `isValid` is null where there is no HAProxy to ask. */
  check(text: string, plan: Plan): Promise<{ readonly isValid: boolean | null; readonly said: readonly string[] }>;
  /** Answers where the old one is kept. Faults: haproxy-configuration-not-written. */
  write(path: string, text: string, plan: Plan): Promise<string>;
  /** What the running ones say; changes nothing. */
  look(plan: Plan): Promise<readonly Finding[]>;
}

/** Load balancers that run on. */
export interface LeftBalancers {
  readonly names: readonly string[];
  /** All of them send nobody to the app's instances any more. */
  readonly isTold: boolean;
}

/** How long what the old process has may take there; absent: as long as it does by default. */
export interface LeaveWithin {
  readonly longLivedMs?: Duration;
  readonly requestsMs?: Duration;
}

export interface KeeperRestarted {
  /** null: none ran. */
  readonly old: { readonly pid: number; readonly version: string } | null;
  readonly now: { readonly pid: number; readonly version: string };
  /** What it looks after. */
  readonly instances: number;
  /** False: should the data plane die, connections are refused until another process of it runs. null: none runs. */
  readonly holdsSockets: boolean | null;
}

export interface ProxyRestarted {
  /** null: none ran, and one was started. */
  readonly oldPid: number | null;
  readonly pid: number;
  /** Of the keeper, which starts the data plane of its own version. */
  readonly version: string;
  /** What the old process still finishes; null: it has nothing left, or has ended. */
  readonly leaving: { readonly requests: number; readonly webSockets: number; readonly until: Instant } | null;
  /** False: for a moment nobody listened, because the keeper could not get hold of the sockets. */
  readonly wasSeamless: boolean;
}

export interface DemoOrder {
  readonly json: boolean;
  /** A picture that is redrawn, and keys; else lines or documents. */
  readonly interactive: boolean;
  /** Leaves the demo's folder behind. */
  readonly keep: boolean;
  /** Where it plays; absent: in a new temporary folder. */
  readonly folder?: string;
  readonly terminal: Terminal;
  readonly machinery: Pick<Machinery, "self" | "stopEverything">;
}

export interface AppAndEnvironment {
  readonly app: string;
  readonly environment: string;
}

export interface AssemblyOrder {
  readonly project: Project;
  /** Says what listens where, which services there are, and which variables of the environment it may see. */
  readonly plan: Plan;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where messages to the terminal go. */
  readonly say: (line: string) => void;
  /** Somebody looks at the release itself, so that only what a `notify` step says is news in the terminal. */
  readonly isFollowed: boolean;
}

export type ProjectPlace = Pick<AssemblyOrder, "project" | "plan" | "env">;

export interface Outside extends Pick<Ports, "runtime" | "traffic" | "health" | "metrics"> {
  /** What a person should know before a release of what a release would run on; nothing where nobody needs to look. */
  notices(): Promise<readonly Notice[]>;
}

/** Real adapters for one app and environment. */
export interface Assembly extends AsyncDisposable {
  readonly ports: Ports;
  readonly options: Omit<EngineOptions, "patrol">;
}
