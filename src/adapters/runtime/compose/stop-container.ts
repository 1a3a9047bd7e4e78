import type { StopOutcome } from "../../../ports/runtime.ts";
import { inspect, type Inspected } from "./containers.ts";
import type { DockerClient } from "./docker-client.ts";

/** Beyond the time that a container gets itself. */
const ANSWERS_WITHIN_MS = 15_000;

/** Its restart policy goes first: neither a reboot nor the engine's own restart is to bring it back. */
export async function stopContainer(docker: DockerClient, { Id }: Inspected, stopMs: number): Promise<StopOutcome> {
  // What has never run can't be stopped: it was left where the engine, or compose, ended in the middle of a start.
  if ((await inspect(docker, Id))?.State.Status === "created") {
    await docker.change("DELETE", `/containers/${Id}?force=1&v=1`);
    return {};
  }
  await docker.change("POST", `/containers/${Id}/update`, { RestartPolicy: { Name: "no" } });
  const seconds = Math.ceil(stopMs / 1_000);
  await docker.change("POST", `/containers/${Id}/stop?t=${seconds}`, undefined, stopMs + ANSWERS_WITHIN_MS);
  const after = await inspect(docker, Id);
  return after?.State.ExitCode === 137 && !after.State.OOMKilled ? { wasKilled: true } : {};
}
