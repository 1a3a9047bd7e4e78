import { createComposeRuntime } from "../../../src/adapters/runtime/compose/runtime.ts";
import { createProcessRuntime } from "../../../src/adapters/runtime/processes/runtime.ts";
import type { ComposeProject } from "../../../src/core/plan/compose.ts";
import type { Service, ServiceOf } from "../../../src/core/plan/service.ts";
import { stateFolder, type StateFolder } from "../../../src/local/state-folder.ts";
import type { Runtime } from "../../../src/ports/runtime.ts";
import { type GitFolder, gitFolder } from "../../support/git-folder.ts";
import { WEB } from "../../support/plans.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import type { DockerEngine } from "./docker-engine.ts";

export const PROJECT: ComposeProject = { files: [], profiles: [], set: {} };

/** A plan file's folder in a git repository with a compose file, and the runtime over a real engine. */
export interface ComposeWorld extends AsyncDisposable, Pick<GitFolder, "write" | "commit"> {
  readonly app: string;
  readonly environment: string;
  readonly planFolder: string;
  readonly folder: StateFolder;
  readonly runtime: Runtime;
  another(services?: readonly Service[], project?: ComposeProject): Runtime;
}

let worlds = 0;

export function composeWorld(engine: DockerEngine, services: readonly Service[] = []): ComposeWorld {
  const temporary = temporaryFolder();
  worlds += 1;
  const [app, environment] = [`shop${process.pid}n${worlds}`, "test"];
  const planFolder = temporary.file(app);
  const folder = stateFolder(temporary.file("state"));
  const files = gitFolder(planFolder);
  const another: ComposeWorld["another"] = (of = services, project = PROJECT) => {
    const shared = { app, environment, services: of, planFolder, folder, env: engine.env };
    const versions = createProcessRuntime({ ...shared, keeperCommand: ["false"] });
    return createComposeRuntime({ ...shared, project, versions });
  };
  return {
    app,
    environment,
    planFolder,
    folder,
    runtime: another(),
    another,
    ...files,
    async [Symbol.asyncDispose]() {
      const label = `label=tidegate.app=${app}`;
      removeAll(engine, ["ps", "-aq", "--filter", label], ["rm", "-f", "-v"]);
      removeAll(engine, ["ps", "-aq", "--filter", `label=com.docker.compose.project=${app}`], ["rm", "-f", "-v"]);
      removeAll(engine, ["network", "ls", "-q", "--filter", label], ["network", "rm"]);
      removeAll(
        engine,
        ["network", "ls", "-q", "--filter", `label=com.docker.compose.project=${app}`],
        ["network", "rm"],
      );
      await temporary[Symbol.asyncDispose]();
    },
  };
}

function removeAll(engine: DockerEngine, list: readonly string[], remove: readonly string[]): void {
  const ids = engine
    .run(...list)
    .split("\n")
    .filter((id) => id !== "");
  if (ids.length > 0) engine.run(...remove, ...ids);
}

/** A service of the plan that is one of the compose file. */
export function composed(name: string, more: Partial<Service> = {}): ServiceOf<"compose"> {
  return { ...WEB, stopMs: 2_000, ...more, name, runtime: { kind: "compose", service: name, project: PROJECT } };
}
