import { comesFromGit, isOfKind, type Service } from "../../../core/plan/service.ts";
import type { Notice } from "../../../ports/notice.ts";
import { placeIn } from "./compose-document.ts";
import { releasedNames } from "./dependencies.ts";
import { sharedPart } from "./shared-part.ts";
import type { ReadProject } from "./user-project.ts";

/** Where versions are tags of images there are no sources of them, and what is to be built would fail at the start. */
export function unbuiltTasks({ resolved, files }: ReadProject, services: readonly Service[]): readonly Notice[] {
  if (services.some(comesFromGit)) return [];
  const { tasks } = sharedPart(resolved, releasedNames(services.filter(isOfKind("compose"))));
  return tasks
    .filter((task) => resolved.services[task]?.["build"] !== undefined)
    .map((task) => ({
      about: task,
      level: "bad",
      sentence:
        "it runs once for each version and is to be built, and of a version that is a tag there is nothing to build it from",
      where: placeIn(files.documents, ["services", task, "build"]),
      fix: `give ${task} an \`image\` in the place of \`build\` (in a file of its own, if need be: \`compose: { file: [compose.yaml, compose.production.yaml] }\`)`,
    }));
}
