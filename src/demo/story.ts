import { setTimeout as delay } from "node:timers/promises";
import { describeFault, FaultError } from "../core/fault.ts";
import type { Status } from "../core/status/status.ts";
import { act } from "./act.ts";
import { mend } from "./breakages.ts";
import { type LoadProcess, startLoad } from "./load-process.ts";
import type { LoadReport } from "./load-report.ts";
import type { Plot } from "./plot.ts";
import type { Played, Showing } from "./result.ts";
import { USUAL_LOAD } from "./run-load.ts";
import { type Ending, shareIn, type VersionName, withAct } from "./show/scene.ts";
import { unlessStopped, within } from "./waiting.ts";

/** How long customers come after the last release, so that a late request to v3 would be seen. */
const EPILOGUE_MS = 2_000;
/** For what is still in flight: at most three seconds each, a checkout twice. */
const LAST_COUNT_MS = 15_000;
const PUT_BACK_MS = 45_000;

/** Plays the three releases under load. Throws the signal's reason, or a FaultError when it can't even begin. */
export async function playStory(plot: Plot): Promise<Played> {
  await opening(plot);
  const good = await showing(plot, "v2");
  const bad = await showing(plot, "v3");
  await unlessStopped(delay(EPILOGUE_MS), plot.signal);
  return { good, bad, report: await lastCount(plot), troubles: [] };
}

/** The first version starts, and customers come as soon as the front door answers. Faults: demo-not-begun. */
async function opening(plot: Plot): Promise<void> {
  const { board, stage } = plot;
  const { status, fault } = await act(plot, "v1", (document) => {
    if (shareIn(document) === 100) plot.load ??= letCustomersCome(plot);
  });
  if (endingOf(status) !== "promoted")
    throw new FaultError({
      code: "demo-not-begun",
      what: "The demo's first version did not start, so there is nothing to show.",
      where: stage.shop,
      cause: fault === null ? (status?.sentence ?? "Tidegate ended without a word") : describeFault(fault),
      fix: "tidegate doctor",
    });
  board.change((scene) => withAct(scene, "v1", "promoted"));
}

function letCustomersCome({ board, stage, giveUp }: Plot): LoadProcess {
  const { requestsPerSecond, webSockets } = USUAL_LOAD;
  const load = startLoad({ ...USUAL_LOAD, url: stage.url, store: stage.store }, (second) => board.second(second));
  // Without customers every release would wait for them, and nothing could be counted.
  load.finished.catch((error: unknown) =>
    giveUp(
      new FaultError({
        code: "load-ended",
        what: "The process that plays the customers died in the middle of the demo.",
        ...(error instanceof FaultError && error.fault.cause !== undefined ? { cause: error.fault.cause } : {}),
      }),
    ),
  );
  board.tell({
    tone: "plain",
    sentence: `Customers come: ${requestsPerSecond} requests a second and ${webSockets} WebSockets, from a process of their own.`,
  });
  return load;
}

/** A release beside the version that serves, whatever comes of it. */
async function showing(plot: Plot, version: VersionName): Promise<Showing> {
  const { board, stage } = plot;
  const { status, fault } = await act(plot, version);
  const ending = endingOf(status);
  const { broken, crashesSince } = board.scene;
  const crashes = crashesSince === null ? null : { from: crashesSince, until: Date.now() };
  if (ending === "held") await putBack(plot, version);
  mend(stage);
  board.change((scene) => ({
    ...withAct(scene, version, ending),
    serving: ending === "promoted" ? version : scene.serving,
    candidate: null,
    sharePercent: 0,
    broken: [],
    crashesSince: null,
  }));
  return { ending, status, fault, broken, crashes };
}

/** What waits for a person is in the way of the next version. */
async function putBack({ board, tidegate, signal }: Plot, version: VersionName): Promise<void> {
  board.tell({ tone: "warn", sentence: `${version} waits for a person, so it is put back by hand.` });
  const done = tidegate.run(["rollback", "--yes", "--reason", "the demo goes on"]).ended;
  await unlessStopped(within(PUT_BACK_MS, done), signal);
}

export function endingOf(status: Status | null): Ending {
  switch (status?.state) {
    case undefined:
      return "not-released";
    case "closed":
    case "live":
      return "promoted";
    case "rolled-back":
      return "rolled-back";
    case "failed":
      return "failed";
    case "planned":
    case "running":
    case "rolling-back":
      return "held";
  }
}

async function lastCount({ load, signal }: Plot): Promise<LoadReport | null> {
  if (load === null) return null;
  const report = await unlessStopped(within(LAST_COUNT_MS, load.stop()), signal);
  return report === "late" ? null : report;
}
