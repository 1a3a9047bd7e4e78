import type { DatabaseLead } from "../rehearsal/database-lead.ts";

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
