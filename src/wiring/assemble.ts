import type { Assembly, AssemblyOrder } from "../cli/machinery.ts";
import { secretsOf } from "../core/plan/secrets.ts";
import { checkStateFolder } from "../local/state-folder-check.ts";
import { readRehearsals } from "../local/rehearsals.ts";
import { createStateFolder } from "../local/state-folder.ts";
import type { Notifier } from "../ports/notifier.ts";
import { openJournal } from "./journal.ts";
import { outside } from "./outside.ts";
import { engineToken, keepOutOfGit } from "./state-files.ts";
import { defined } from "../core/text/references.ts";

/**
 * Everything that an engine works with, for one app and environment. `self` starts this program again. Adapters are
 * imported where they are needed: `status` must not wait for those that only a release uses.
 */
export async function assemble(order: AssemblyOrder, self: readonly string[]): Promise<Assembly> {
  const { project, plan, env } = order;
  const [
    { createShellRunner },
    { createNotifier },
    { createEvidenceGatherer },
    tasks,
    { systemClock: clock },
    { createEmergencyLog },
    { databasesOf },
  ] = await Promise.all([
    import("../adapters/command/shell.ts"),
    import("../adapters/notify/notifier.ts"),
    import("../adapters/evidence/gather.ts"),
    taskAdapters(),
    import("../adapters/clock/system.ts"),
    import("../adapters/emergency/file.ts"),
    import("./databases.ts"),
  ]);
  checkStateFolder(project.state);
  createStateFolder(project.state);
  keepOutOfGit(project.state);
  const secrets = secretsOf(env);
  secrets.meet(plan);
  const { redact } = secrets;
  const values = (): Readonly<Record<string, string>> => defined(env);
  let hasStartedKeeper = false;
  const { runtime, traffic, health, metrics } = await outside(order, self, redact, () => (hasStartedKeeper = true));
  const commands = createShellRunner({ directory: project.folder, redact, env });
  const settings = { commands, clock, redact, values };
  const notifier = createNotifier({ clock, redact, values, terminal: (line) => order.say(redact(line)) });
  const journal = await openJournal(project.state);
  return {
    ports: {
      clock,
      journal,
      traffic,
      runtime,
      health,
      smoke: tasks.createSmokeRunner(settings),
      warmer: tasks.createWarmer(settings),
      checker: tasks.createChecker({
        directory: project.folder,
        ...settings,
        rehearsals: () => readRehearsals(project.state),
      }),
      commands,
      metrics,
      databases: databasesOf({ folder: project.folder, plan, env }),
      notifier: quieter(notifier, order.isFollowed),
      evidence: createEvidenceGatherer({ runtime, clock, redact }),
      emergencies: createEmergencyLog(project.state),
    },
    options: { engineToken: await engineToken(project.state), secrets: secrets.values, meet: secrets.meet },
    [Symbol.asyncDispose]: async () => {
      await journal[Symbol.asyncDispose]();
      if (!hasStartedKeeper) return;
      const { endIdleKeeper } = await import("../adapters/runtime/processes/ensure-keeper.ts");
      await endIdleKeeper(project.state);
    },
  };
}

async function taskAdapters() {
  const [smoke, warm, check] = await Promise.all([
    import("../adapters/smoke/http.ts"),
    import("../adapters/warm/http.ts"),
    import("../adapters/check/checker.ts"),
  ]);
  return { ...smoke, ...warm, ...check };
}

/** Who looks at a release sees what happens to it; the terminal need not be told twice. */
function quieter(notifier: Notifier, isFollowed: boolean): Notifier {
  if (!isFollowed) return notifier;
  return {
    ...notifier,
    deliver: async (message, target, context, signal) => {
      if (target.kind === "terminal" && message.topic !== "announcement") return;
      return notifier.deliver(message, target, context, signal);
    },
  };
}
