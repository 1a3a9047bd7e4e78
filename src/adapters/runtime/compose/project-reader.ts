import type { ComposeProject } from "../../../core/plan/compose.ts";
import { fingerprint } from "./compose-files.ts";
import { type ComposeTool, findCompose } from "./compose-tool.ts";
import type { DockerClient } from "./docker-client.ts";
import { readUserProject, type UserProject } from "./user-project.ts";

export interface ProjectReaderSettings {
  readonly project: ComposeProject;
  readonly planFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly docker: () => DockerClient;
}

/** Reads the project of a version. Faults: as `readUserProject`. */
export type ProjectReader = (version: string, versionFolder: string) => Promise<UserProject>;

/**
 * Compose takes a while to say what it makes of its files, and a release asks for each instance: as long as none of what
 * it reads has changed, it says the same.
 */
export function projectReader({ project, planFolder, env, docker }: ProjectReaderSettings): ProjectReader {
  const known = new Map<string, { readonly print: string; readonly read: Promise<UserProject> }>();
  let tool: Promise<ComposeTool> | undefined;
  return async (version, versionFolder) => {
    const print = fingerprint(project, planFolder, versionFolder, env);
    const before = known.get(versionFolder);
    if (before?.print === print) return before.read;
    tool ??= findCompose(env).catch((error: unknown) => {
      tool = undefined;
      throw error;
    });
    const place = { settings: project, address: docker().address, planFolder, versionFolder, version, env };
    const read = tool.then((found) => readUserProject(place, found));
    known.set(versionFolder, { print, read });
    read.catch(() => known.delete(versionFolder));
    return read;
  };
}
