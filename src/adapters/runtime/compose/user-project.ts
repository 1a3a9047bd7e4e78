import { FaultError } from "../../../core/fault.ts";
import { fillVersion } from "./fill-version.ts";
import type { ComposeProject } from "../../../core/plan/compose.ts";
import { placeIn } from "./compose-document.ts";
import { type ComposeFiles, linkWhatIsMissing, profilesIn, readComposeFiles } from "./compose-files.ts";
import { defined } from "../../../core/text/references.ts";
import { composeCommand, type ComposeScope, type ComposeTool, run, type RunResult } from "./compose-tool.ts";
import { type DockerAddress, environmentFor } from "./docker-address.ts";
import { withNamedServices } from "./named-services.ts";
import { mustStayInside } from "./reaching-out.ts";
import { rehearsedDocument, rehearsedProject } from "./rehearsed-project.ts";
import { parseResolved, type ResolvedProject } from "./resolved-project.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What stands in the user's compose project, and where. */
export interface ReadProject {
  readonly files: Pick<ComposeFiles, "documents">;
  readonly resolved: ResolvedProject;
}

/** The user's compose project in one version, and compose to do something with it. */
export interface UserProject extends ReadProject {
  readonly files: ComposeFiles;
  /** Has compose do something with a document of ours, in the project of that name. */
  compose(project: string, document: unknown, verb: readonly string[], order: ComposeOrder): Promise<RunResult>;
  /** Has compose do something with the user's own files, from where they lie beside the plan file; in a rehearsal with what is made of them. */
  usersCompose(verb: readonly string[], order: ComposeOrder): Promise<RunResult>;
}

export interface ComposeOrder {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly heard?: (chunk: Buffer) => void;
}

export interface ProjectPlace {
  readonly settings: ComposeProject;
  readonly address: DockerAddress;
  readonly planFolder: string;
  readonly versionFolder: string;
  readonly version: string;
  readonly env: Environment;
}

const CONFIG_WITHIN_MS = 60_000;

/** Reads the project of a version, filled in by compose itself. Faults: compose-missing, compose-file-missing, compose-file-invalid. */
export async function readUserProject(place: ProjectPlace, compose: ComposeTool): Promise<UserProject> {
  const { settings, address, planFolder, versionFolder, version } = place;
  const env: Environment = {
    ...place.env,
    ...fillVersion(settings.set, version),
    ...environmentFor(address),
    // What these say is in the arguments already; a slot's project is not told of what the others are.
    COMPOSE_FILE: undefined,
    COMPOSE_PROJECT_NAME: undefined,
    COMPOSE_IGNORE_ORPHANS: "true",
    BUILDKIT_PROGRESS: "plain",
  };
  const files = readComposeFiles(settings, planFolder, versionFolder, place.env);
  linkWhatIsMissing(files);
  const scope: ComposeScope = {
    project: files.project,
    files: files.files,
    directory: files.directory,
    ...(files.envFile === undefined ? {} : { envFile: files.envFile }),
  };
  // Whatever is released or needed is there, in whichever profile; which are on matters for what is started beside.
  const profiles = [...new Set([...profilesIn(files.documents), ...settings.profiles])];
  const json = compose.generation === 2 ? ["--format", "json"] : [];
  const printed = await run(composeCommand(compose, { ...scope, profiles }, "config", ...json), {
    env,
    timeoutMs: CONFIG_WITHIN_MS,
  });
  if (printed.code !== 0) throw invalid(files, printed);
  const written = parseResolved(printed.output, files.project);
  const ofOurs: UserProject["compose"] = (project, document, verb, order) =>
    run(composeCommand(compose, { project, files: ["-"], directory: files.directory }, ...verb), {
      env,
      input: JSON.stringify(document),
      // Compose looks for an `.env` where it is started, too; what it would fill in is filled in already.
      directory: "/",
      ...order,
    });
  if (settings.rehearsal !== undefined) {
    const resolved = withNamedServices(written);
    const order = { rehearsal: settings.rehearsal, values: defined(place.env), ...files };
    mustStayInside({ resolved, files }, settings.rehearsal, files);
    const own = { files, resolved: rehearsedProject(resolved, order), compose: ofOurs };
    return {
      ...own,
      usersCompose: async (verb, how) => {
        const isUsers = files.directory === files.usersDirectory;
        const users = isUsers ? own : await readUserProject({ ...place, versionFolder: planFolder }, compose);
        return users.compose(files.project, rehearsedDocument(users.resolved, users.files), verb, how);
      },
    };
  }
  return {
    files,
    resolved: written,
    compose: ofOurs,
    usersCompose: (verb, order) => {
      const own = readComposeFiles(settings, planFolder, planFolder, place.env);
      const users: ComposeScope = { ...scope, files: own.files, directory: own.directory, profiles };
      return run(composeCommand(compose, users, ...verb), { env, ...order });
    },
  };
}

/** Compose says what is wrong, and not where: the place is that of the key that it names. */
function invalid({ documents }: ComposeFiles, { errors, output }: RunResult): FaultError {
  const said = (errors.trim() === "" ? output : errors).trim();
  const lines = said
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !NOISE.test(line));
  const told = lines.filter((line) => !HEADING.test(line));
  const [first = "it says nothing more"] = told.length > 0 ? told : lines;
  return new FaultError({
    code: "compose-file-invalid",
    what: `Docker Compose does not take the compose file: ${first.replace(/\.$/, "")}.`,
    where: placeOfError(documents, said),
    ...(told.length > 1 ? { detail: told.slice(1, 8) } : {}),
    fix: "mend it there; docker compose config checks it by hand",
  });
}

const HEADING = /^The Compose file .* is invalid because:$|^validating .*$/;
/** What every such message ends with, and what compose says of a variable that is not set. */
const NOISE = /^You might be seeing this error|^For more on the Compose file format|level=warning|variable is not set/;

/** `services.web.ports`, as both generations write it; and what YAML says of a line. */
export function placeOfError(documents: readonly ComposeFiles["documents"][number][], said: string): string {
  const unsupported = /Unsupported config option for (\S+): '([^']+)'/.exec(said);
  const dotted =
    unsupported === null
      ? /\b((?:services|networks|volumes|secrets|configs)\.[\w.-]+)/.exec(said)?.[1]
      : `${unsupported[1]}.${unsupported[2]}`;
  if (dotted !== undefined) return placeIn(documents, dotted.replace(/\.$/, "").split("."));
  const inService = /in service "([^"]+)"/.exec(said)?.[1];
  const option = /value for "([^"]+)"/.exec(said)?.[1];
  if (inService !== undefined)
    return placeIn(documents, ["services", inService, ...(option === undefined ? [] : [option])]);
  // One generation quotes the name, the other does not.
  const named = [...said.matchAll(/\b[Ss]ervice (?:"([^"]+)"|'([^']+)'|([\w.-]+))/g)].map(
    ([, a, b, c]) => a ?? b ?? c ?? "",
  );
  const service = named.find((name) => documents.some((document) => document.has(["services", name])));
  if (service !== undefined) return placeIn(documents, ["services", service]);
  return documents.map(({ name }) => name).join(", ");
}
