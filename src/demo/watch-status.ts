import type { Plot } from "./plot.ts";
import { statusOfVersion } from "./release-run.ts";
import { within } from "./waiting.ts";

const LOOK_MS = 1_500;

/** Asks `tidegate status` now and then, for the picture of the release under way, until the demo stops. */
export async function watchStatus({ board, signal, tidegate }: Plot): Promise<void> {
  const stopped = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  while (!signal.aborted) {
    const asked = board.scene.acts.find(({ state }) => state === "running");
    if (asked !== undefined) {
      const value = await statusOfVersion(tidegate, asked.version);
      const isStill = board.scene.acts.some(({ version, state }) => version === asked.version && state === "running");
      if (value !== null && isStill) board.change((scene) => ({ ...scene, status: { at: Date.now(), value } }));
    }
    await within(LOOK_MS, stopped);
  }
}
