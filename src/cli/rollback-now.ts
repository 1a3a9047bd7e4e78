import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { FaultError } from "../core/fault.ts";
import type { MeantPlace } from "../engine/nothing-to-put-back.ts";
import { putTrafficBack, type PutBackReport } from "../engine/put-traffic-back.ts";
import { type LockHolder, lockHolder } from "../local/lock-holder.ts";
import { identify } from "../local/process-identity.ts";
import { whyUnwritable } from "../local/room.ts";
import { runningStateFolders } from "../local/running-folders.ts";
import { type StateFolder, stateFolder } from "../local/state-folder.ts";
import { mustBeOpenTo } from "../local/state-not-readable.ts";
import { answer, type Context } from "./context.ts";
import { type Invocation, isGiven, textOption } from "./definition.ts";
import { type ExitCode, FAILED, ROLLED_BACK } from "./exit-code.ts";
import { putBackDocument, putBackLines } from "./render/put-back.ts";
import { DEFAULT_ENVIRONMENT, type Project } from "./project.ts";
import { releaseNumber } from "./release-number.ts";
import { appNamedIn } from "./whose-state.ts";

/**
 * `rollback --now`: all traffic to stable, asking nothing of an engine, a journal, the disk, the plan file or a person.
 * The rest of the rollback is for whoever acts next.
 */
export async function rollbackNow(invocation: Invocation): Promise<ExitCode> {
  const { context } = invocation;
  const [given] = invocation.arguments;
  const app = textOption(invocation, "app");
  const state = app === undefined ? folderHere(context) : await folderOf(context, app);
  const exit = await context.machinery.emergencyExit(state);
  const reason = textOption(invocation, "reason");
  const place = app === undefined && context.global.state === undefined ? meantPlace(context.project()) : null;
  const lock = state.file("actor.lock");
  const before = lockHolder(lock);
  const report = await putTrafficBack(exit, {
    by: context.person,
    anyway: isGiven(invocation, "anyway"),
    ...(reason === undefined ? {} : { reason }),
    ...(given === undefined ? {} : { release: releaseNumber(given) }),
    ...(place === null ? {} : { place }),
  });
  const code = exitCodeOf(report);
  const around = {
    actor: whoActed(before, lockHolder(lock)),
    unwritable: whyUnwritable(state.path),
    folder: state.path,
    exitCode: code,
  };
  return answer(context, putBackDocument(report, around), putBackLines(report, around, context.terminal.style()), code);
}

/**
 * Who acts, by a look at the lock before and one after: an engine that is put aside lets go of it for the moment in which
 * it begins anew, and is still the one that goes on.
 */
export function whoActed(before: LockHolder | null, after: LockHolder | null): LockHolder | null {
  return after ?? (before !== null && identify(before.pid) !== null ? before : null);
}

function exitCodeOf({ outcome }: PutBackReport): ExitCode {
  return outcome === "put-back" || outcome === "already" ? ROLLED_BACK : FAILED;
}

/** TIDEGATE_STATE may have been set for another app; null: without a plan file nobody can say which is meant. */
function meantPlace({ planFile, environment, state }: Project): MeantPlace | null {
  if (planFile === null) return null;
  const { path } = state;
  const options =
    environment === DEFAULT_ENVIRONMENT ? `--state ${path}` : `--state ${dirname(path)} --env ${environment}`;
  return { app: appNamedIn(planFile), environment, state: path, options };
}

/** Faults: usage, where nothing was ever released; state-not-readable. */
function folderHere(context: Context): StateFolder {
  const { state } = context.project();
  mustBeOpenTo(state.path);
  if (existsSync(state.path)) return state;
  throw new FaultError({
    code: "usage",
    what: "Nothing was released here: there is no state folder.",
    where: state.path,
    fix: "name the app that you mean: tidegate rollback --now --app NAME, or its folder: --state FOLDER",
  });
}

/** The state folder of an app that runs on this machine, found without a plan file. Faults: usage. */
async function folderOf({ machinery, global }: Context, app: string): Promise<StateFolder> {
  const running = await Promise.all(
    runningStateFolders().map(async (path) => {
      const state = stateFolder(path);
      const exit = await machinery.emergencyExit(state);
      const table = (await exit.lastResort.read().catch(() => null))?.table ?? null;
      return { state, app: table?.app, environment: table?.environment };
    }),
  );
  const fitting = running.filter(
    (each) => each.app === app && (global.env === undefined || each.environment === global.env),
  );
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only.state;
  const known = (fitting.length > 1 ? fitting : running).map(
    (each) => `${each.app ?? "(unknown)"} in ${each.environment ?? "(unknown)"}: --state ${each.state.path}`,
  );
  throw new FaultError({
    code: "usage",
    what:
      fitting.length > 1
        ? `${app} runs more than once on this machine.`
        : `No app called "${app}" runs on this machine${global.env === undefined ? "" : ` in ${global.env}`}, as far as can be seen.`,
    fix: known.length === 0 ? "give its state folder: --state FOLDER" : `give its state folder:\n${known.join("\n")}`,
  });
}
