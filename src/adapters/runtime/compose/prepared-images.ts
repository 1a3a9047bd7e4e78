import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { writeFileAtomically } from "../../../local/atomic-file.ts";
import type { StateFolder } from "../../../local/state-folder.ts";

/** What a version's service runs, decided once: whatever a tag means later. */
export interface PreparedImage {
  /** As the compose file or the plan calls it, for people. */
  readonly reference: string;
  /** `sha256:…` of its content. */
  readonly id: string;
  /** `registry/name@sha256:…`, where it came from a registry: by it the same image is fetched again. */
  readonly digest?: string;
  /** The only port that the image names. */
  readonly port?: number;
}

/** By the service's name in the compose file. */
export type PreparedImages = Readonly<Record<string, PreparedImage>>;

/** The images of a version's services as they were prepared; empty where none were. */
export function preparedImages(folder: StateFolder, directory: string): PreparedImages {
  try {
    return (
      JSON.parse(readFileSync(recordFile(folder, directory), "utf8")) as {
        images: Readonly<Record<string, PreparedImage>>;
      }
    ).images;
  } catch {
    return {};
  }
}

/** Notes what a version's services run, beside what is noted already. */
export async function noteImages(
  folder: StateFolder,
  directory: string,
  version: string,
  images: PreparedImages,
): Promise<void> {
  mkdirSync(folder.file(RECORDS), { recursive: true, mode: 0o700 });
  await writeFileAtomically(
    recordFile(folder, directory),
    `${JSON.stringify({ format: 1, version, images }, null, 1)}\n`,
  );
}

const RECORDS = "compose";

function recordFile(folder: StateFolder, directory: string): string {
  return folder.file(RECORDS, `${createHash("sha256").update(directory).digest("hex").slice(0, 16)}.json`);
}
