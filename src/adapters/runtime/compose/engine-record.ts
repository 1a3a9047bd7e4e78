import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { writeFileAtomically } from "../../../local/atomic-file.ts";
import type { StateFolder } from "../../../local/state-folder.ts";
import type { DockerAddress } from "./docker-address.ts";

/** Which Docker engine runs containers of a state folder: known without the plan file, and whatever that says now. */
export interface EngineRecord {
  readonly address: DockerAddress;
  readonly places: readonly { readonly app: string; readonly environment: string }[];
}

export function readEngines(folder: StateFolder): readonly EngineRecord[] {
  try {
    return JSON.parse(readFileSync(fileOf(folder), "utf8")) as readonly EngineRecord[];
  } catch {
    return [];
  }
}

/** Noted before the first container of a place is made. */
export async function noteEngine(
  folder: StateFolder,
  address: DockerAddress,
  place: EngineRecord["places"][number],
): Promise<void> {
  const all = existsSync(fileOf(folder)) ? readEngines(folder) : [];
  const known = all.find((each) => each.address.host === address.host);
  if (known?.places.some(({ app, environment }) => app === place.app && environment === place.environment) === true)
    return;
  mkdirSync(folder.file("compose"), { recursive: true, mode: 0o700 });
  const next = { address, places: [...(known?.places ?? []), place] };
  await writeFileAtomically(
    fileOf(folder),
    `${JSON.stringify([...all.filter((each) => each !== known), next], null, 1)}\n`,
  );
}

function fileOf(folder: StateFolder): string {
  return folder.file("compose", "engines.json");
}
