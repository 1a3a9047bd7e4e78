import type { Checklist } from "./checklist.ts";
import type { BackupProof } from "../backup/record.ts";
import type { DatabasePlan, MigrationPhase } from "./database.ts";
import type { DatabaseLead } from "../rehearsal/database-lead.ts";
import type { SmokeFlow } from "../smoke/smoke.ts";
import type { Guard } from "./guard.ts";
import type { NotifyTarget, Paging } from "./receiver.ts";
import type { Share } from "../traffic/share.ts";
import type { Duration } from "../time/time.ts";

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

/** A part of the app with its own processes. Without a route it is a worker. */
export interface Service {
  readonly name: string;
  readonly replicas: number;
  readonly runtime: ProcessRuntime | ComposeRuntime | SystemdRuntime;
  /** Empty for a worker. */
  readonly routes: readonly Route[];
  /** Absent: the instance counts as ready when its process lives and (with a route) its port answers TCP. */
  readonly health?: Health;
  /** Added to the instance's environment. May hold `${...}` that is filled in at start, never at compile time. */
  readonly env: Readonly<Record<string, string>>;
  /** Workers only: candidate and stable may both run from the first shift on. */
  readonly overlap: boolean;
  /** How long requests in flight get at drain before the instance is told to stop. */
  readonly drainMs: Duration;
  /** SIGTERM to SIGKILL. */
  readonly stopMs: Duration;
  /** From process start to ready; longer is a failed start. */
  readonly startMs: Duration;
}

/** Made in a version's folder of its own, and started by a line. */
interface LineRuntime {
  /** Folder of the service inside the version's folder; "." for its root. */
  readonly directory: string;
  /** Shell lines, as the user wrote them; `${port} ${version} ${dir} ${slot}` are filled in. */
  readonly build?: string;
  /** Replaces the git worktree: makes `${dir}` by itself. */
  readonly prepare?: string;
  readonly run: string;
  /** Files copied from the plan file's folder into the version's folder (`.env`). */
  readonly files: readonly string[];
}

/** Own processes under the keeper. */
export interface ProcessRuntime extends LineRuntime {
  readonly kind: "process";
}

/** Own processes as systemd's services: the system's where Tidegate runs as root, else the user's. */
export interface SystemdRuntime extends LineRuntime {
  readonly kind: "systemd";
  /** Who runs it; absent: whoever Tidegate runs as. Of the system's services alone. */
  readonly user?: string;
  readonly group?: string;
  readonly slice?: string;
  /** As systemd writes them: `512M`, `80%`. */
  readonly memoryMax?: string;
  readonly cpuQuota?: string;
  /** Lines of the unit's `[Service]` section, after Tidegate's own. */
  readonly properties: Readonly<Record<string, readonly string[]>>;
}

/** Containers of a service of the user's compose project, under a Docker engine. */
export interface ComposeRuntime {
  readonly kind: "compose";
  /** Its name in the compose file. */
  readonly service: string;
  /** Inside the container, where it takes requests. Absent: the only one that the compose file or the image names. */
  readonly port?: number;
  /** In place of the compose file's `image` and `build`; `${version}` is filled in. */
  readonly image?: string;
  /** The same for every service of a plan; here, so that it is frozen with the release. */
  readonly project: ComposeProject;
}

/** Where the compose project lies and where it runs. */
export interface ComposeProject {
  /** Relative to the plan file's folder; empty: those that compose finds by itself. */
  readonly files: readonly string[];
  /** Absent: as compose names it. */
  readonly name?: string;
  readonly profiles: readonly string[];
  /** Absent: the `.env` beside the compose file. */
  readonly envFile?: string;
  /** A Docker context or an engine's address; with neither the environment and the chosen context decide, as for docker. */
  readonly context?: string;
  readonly host?: string;
  /** Where the engine's machine is reached when the containers' own network is not. */
  readonly publish?: string;
  /** Values for `${NAME}` in the compose file; `${version}` is filled in. */
  readonly set: Readonly<Record<string, string>>;
  /** The project once more, with nothing in it that is the user's own; `name` is its own too. Absent: the user's project itself. */
  readonly rehearsal?: RehearsedProject;
}

/** What a rehearsal makes of a compose project. Values may hold `${NAME}`: they are filled in when it is read. */
export interface RehearsedProject {
  /** Those that are released in it, as the compose file calls them; of the others only what these need is there. */
  readonly services: readonly string[];
  /** Those that a release would start and the rehearsal does not. */
  readonly without: readonly string[];
  /** Over what each container gets in its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Absent: the plan names no database, or one that no container is led to. */
  readonly database?: DatabaseLead;
  /** The service that is the app's database. Absent: none of the project is. */
  readonly server?: RehearsedServer;
}

/** A database server of the rehearsal's own. */
export interface RehearsedServer {
  readonly service: string;
  /** Where it listens in its container. */
  readonly port: number;
  /** Where it is reached from here. */
  readonly publish: { readonly host: string; readonly port: number };
  readonly env: Readonly<Record<string, string>>;
}

/** A service whose instances are of one kind. */
export type ServiceOf<K extends Service["runtime"]["kind"]> = Service & {
  readonly runtime: Extract<Service["runtime"], { readonly kind: K }>;
};

export function isOfKind<K extends Service["runtime"]["kind"]>(
  ...kinds: readonly K[]
): (service: Service) => service is ServiceOf<K> {
  return (service): service is ServiceOf<K> => kinds.some((kind) => service.runtime.kind === kind);
}

/** A service that is built in its version's folder and started by a line, whoever runs it. */
export type LineService = ServiceOf<"process" | "systemd">;

export const isStartedByLine: (service: Service) => service is LineService = isOfKind("process", "systemd");

/** Whether its versions are commits, and not what its own `prepare` line or `image` understands. */
export function comesFromGit({ runtime }: Service): boolean {
  return runtime.kind === "compose" ? runtime.image === undefined : runtime.prepare === undefined;
}

/** Absent host: any. The longest path prefix wins. */
export interface Route {
  readonly host?: string;
  readonly path: string;
}

export interface Health {
  /** Paths on the instance. `ready` gates traffic; `live` restarts; `depends` is told, never acted on alone. */
  readonly ready: string;
  readonly live?: string;
  readonly depends?: string;
  readonly everyMs: Duration;
  readonly timeoutMs: Duration;
  /** Good answers in a row before it counts as ready; bad ones before it does not. */
  readonly rise: number;
  readonly fall: number;
  /** Wait before the first probe counts against it. */
  readonly delayMs: Duration;
}

export interface TrafficPlan {
  readonly kind: "embedded" | "haproxy";
  /**
   * `127.0.0.1` unless the plan file says otherwise. Of HAProxy, which opens its own: where Tidegate's own requests reach
   * its frontend, if they are to.
   */
  readonly listen: readonly { readonly host: string; readonly port: number; readonly tls?: TlsFiles }[];
  readonly sticky: Sticky;
  readonly pins: PinRule;
  /** What the plane passes to whom it can't reach: limits, times. */
  readonly timeouts: { readonly headersMs: Duration; readonly idleMs: Duration; readonly connectMs: Duration };
  /** Two versions never serve at once: at the switch requests are held for at most this long. */
  readonly pause?: { readonly forMs: Duration };
  /** Of `haproxy` alone. */
  readonly haproxy?: HaproxyPlan;
}

/** Where HAProxy is steered, and what it starts with. */
export interface HaproxyPlan {
  /** The runtime API of each load balancer. A step ends when all of them agree. */
  readonly balancers: readonly HaproxyAddress[];
  /** Folder on this machine for the files with which HAProxy starts; null: they are out of reach. Absolute. */
  readonly files: string | null;
  /** The same folder as HAProxy sees it, in a container for one. Absolute. */
  readonly inside: string;
}

export type HaproxyAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** Absolute paths. Reloaded when the files change. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

export type Sticky =
  | { readonly kind: "cookie"; readonly name: string }
  | { readonly kind: "header"; readonly name: string; readonly cookie: string }
  | { readonly kind: "none" };

/** Who may choose a version by `x-tidegate-version`: those with the token (empty: nobody but Tidegate itself). */
export interface PinRule {
  readonly header: string;
  readonly token?: string;
}

export type Unclear = "raise" | "hold" | "step-back";

export type OnFailure = "rollback" | "hold" | "step-back";

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

/** How long a step lasts: a time that must be watched, or until the judge has evidence, within a bound. */
export type Hold =
  | { readonly kind: "for"; readonly ms: Duration }
  | { readonly kind: "evidence"; readonly atLeastMs: Duration; readonly boundMs: Duration };

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
