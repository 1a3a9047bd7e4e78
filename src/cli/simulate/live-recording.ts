import { FaultError } from "../../core/fault.ts";
import type { Context } from "../context.ts";
import { loadPlan } from "../plan-file.ts";
import { everySecond } from "../traffic-seen.ts";
import { timeNotes } from "./recording-notes.ts";
import type { Recording } from "./recording.ts";

/** Stands for what the data plane has in its memory, where the name of a file could. */
export const LIVE = "live";

/** The last minutes of the data plane that runs here. Faults: usage, and those of the plan file. */
export async function liveRecording(context: Context): Promise<Recording> {
  const project = context.project();
  const { plan } = await loadPlan(context, project);
  const { env } = context;
  const { traffic } = await context.machinery.outside({ project, plan, env, say: () => undefined, isFollowed: true });
  if ((await traffic.read()) === null)
    throw new FaultError({
      code: "usage",
      what: "No data plane answers here, so there is nothing to judge.",
      where: `--replay ${LIVE}`,
      fix: "tidegate status ; a file of the name is meant by ./live",
    });
  const { rows } = await everySecond(traffic);
  const hasLatencies = rows.some(({ latency }) => Object.keys(latency).length > 0);
  return { rows, hasLatencies, notes: timeNotes(rows.map(({ second }) => second)) };
}
