import { join } from "node:path";
import type { DemoOrder } from "../cli/machinery.ts";
import { stateFolder } from "../local/state-folder.ts";
import { emptyStage } from "./left-behind.ts";
import type { Plot } from "./plot.ts";
import { within } from "./waiting.ts";

/** How long `tidegate down` may take, and what it stopped to be gone. */
const DOWN_MS = 30_000;
const GONE_MS = 3_000;

/** Stops everything as a user would; answers what went wrong with that, in sentences. */
export async function strike({ board, stage, tidegate }: Plot): Promise<readonly string[]> {
  board.change((scene) => ({ ...scene, isStopping: true, status: null }));
  const down = await within(DOWN_MS, tidegate.run(["down", "--yes"]).ended);
  const stubborn = await emptyStage(stage, GONE_MS);
  return [
    ...(down === "late" ? [`"tidegate down" took longer than ${DOWN_MS / 1_000}s.`] : []),
    ...(down === "late" || down.code === 0
      ? []
      : [`"tidegate down" ended with ${down.code ?? down.signal}: ${JSON.stringify(down.last)}`]),
    ...(stubborn.length === 0 ? [] : [`After "tidegate down" still ran: ${stubborn.join("; ")}.`]),
  ];
}

const POLITE_MS = 6_000;
const LINGER_MS = 500;

/** Stops in the middle: the controller first, so that nothing is begun any more, then the customers, then the rest. */
export async function strikeAtOnce(
  { board, stage, tidegate, load }: Plot,
  { stopEverything }: DemoOrder["machinery"],
): Promise<void> {
  board.change((scene) => ({ ...scene, isStopping: true, status: null }));
  await tidegate.killAll();
  if (load !== null)
    await within(
      POLITE_MS,
      load.stop().catch(() => null),
    );
  const state = stateFolder(join(stage.shop, ".tidegate"));
  await within(
    POLITE_MS,
    stopEverything(state).catch(() => null),
  );
  await emptyStage(stage, LINGER_MS);
}
