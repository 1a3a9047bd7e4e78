import type { DockerClient } from "./docker-client.ts";
import type { Inspected } from "./containers.ts";

/** The last lines of a container, both its outputs, oldest first; none where its log driver can't be read. */
export async function containerLog(
  docker: DockerClient,
  { Id, Config: { Tty } }: Inspected,
  lines: number,
): Promise<readonly string[]> {
  const bytes = await docker.bytes(`/containers/${Id}/logs?stdout=1&stderr=1&tail=${lines}`);
  return linesOf(Tty ? bytes : withoutFrames(bytes)).slice(-lines);
}

/**
 * Takes the frames off: a byte that says which output it is, three empty ones, the length in four, and so many bytes.
 * Source: Docker Engine API, "Stream format" of attach.
 */
export function withoutFrames(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    const end = at + 8 + bytes.readUInt32BE(at + 4);
    parts.push(bytes.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(parts);
}

function linesOf(bytes: Buffer): readonly string[] {
  const text = bytes.toString("utf8").replace(/\r?\n$/, "");
  return text === "" ? [] : text.split(/\r?\n/);
}
