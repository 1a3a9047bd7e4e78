import { execFile } from "node:child_process";
import { statSync, writeFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { FaultError } from "../../core/fault.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { makeFolder } from "../../local/make-folder.ts";
import { answer, type Context } from "../context.ts";
import { type CommandDefinition, type Invocation, isGiven } from "../definition.ts";
import { loadPlan } from "../plan-file.ts";
import { environmentFile, type Unit, unitsOf } from "../service/units.ts";

export const service: CommandDefinition = {
  about:
    "Writes systemd units that start the keeper and `tidegate serve` at boot and hold the listening sockets open, and says how to switch them on. Stopping the services leaves the app running. Values that the plan takes from the environment come from a file in the state folder then.",
  arguments: [{ name: "action", required: true, about: "install", choices: ["install"] }],
  options: [
    { flags: "--user", about: "for this user's own systemd (the default, unless root)" },
    { flags: "--system", about: "for the whole machine, in /etc/systemd/system; runs as the owner of the plan file" },
    { flags: "--dry-run", about: "print the units instead of writing them" },
  ],
  examples: [
    { line: "tidegate service install --dry-run", does: "shows what would be written" },
    { line: "sudo tidegate service install --system", does: "for a server" },
  ],
  run: async (invocation) => {
    const { context } = invocation;
    const scope = scopeOf(invocation);
    const loaded = await loadPlan(context, context.project());
    const units = unitsOf(orderOf(context, scope, loaded.plan, loaded.file));
    const folder = scope === "system" ? "/etc/systemd/system" : userFolder(context);
    const paths = units.map(({ name }) => join(folder, name));
    if (isGiven(invocation, "dryRun")) {
      return answer(
        context,
        { folder, units },
        units.flatMap(({ text }, index) => [`# ${paths[index]}`, text]),
      );
    }
    write(folder, units);
    const problems = await verify(scope, paths);
    const isServing = (await context.machinery.dataPlane(context.project().state)) !== null;
    const next = nextCommands(scope, units, isServing);
    return answer(context, { written: paths, problems, next }, [
      ...paths.map((path) => `Wrote ${path}`),
      ...problems.map((problem) => `  systemd-analyze: ${problem}`),
      ...environmentHint(context, loaded.references),
      "Switch them on:",
      ...next.map((line) => `  ${line}`),
      ...(isServing && units.some(({ name }) => isSocket(name)) ? [SOCKETS_LATER] : []),
    ]);
  },
};

function scopeOf(invocation: Invocation): "user" | "system" {
  if (isGiven(invocation, "user") && isGiven(invocation, "system"))
    throw new FaultError({ code: "usage", what: "--user and --system exclude each other.", fix: "give one of them" });
  if (isGiven(invocation, "system")) return "system";
  return isGiven(invocation, "user") || process.getuid?.() !== 0 ? "user" : "system";
}

function orderOf(
  context: Context,
  scope: "user" | "system",
  plan: Plan,
  planFile: string,
): Parameters<typeof unitsOf>[0] {
  const { cwd, env, global, machinery } = context;
  const project = context.project();
  const given = global.state ?? (env["TIDEGATE_STATE"] || undefined);
  return {
    app: plan.app,
    environment: project.environment,
    scope,
    user: ownerOf(planFile, env),
    self: machinery.self,
    folder: project.folder,
    planFile,
    statePath: project.state.path,
    stateOption: given === undefined ? undefined : resolve(cwd, given),
    listen: plan.traffic.kind === "embedded" ? plan.traffic.listen : [],
    path: env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
  };
}

/** Under sudo the files' owner is meant, not root. */
function ownerOf(planFile: string, env: Context["env"]): string {
  const { uid } = statSync(planFile);
  const own = userInfo();
  if (uid === own.uid) return own.username;
  const { SUDO_UID: sudoUid, SUDO_USER: sudoUser } = env;
  return sudoUser !== undefined && Number(sudoUid) === uid ? sudoUser : String(uid);
}

function userFolder({ env }: Context): string {
  return join(env["XDG_CONFIG_HOME"] || join(homedir(), ".config"), "systemd", "user");
}

function write(folder: string, units: readonly Unit[]): void {
  try {
    makeFolder(folder, 0o777);
    for (const { name, text } of units) writeFileSync(join(folder, name), text, { mode: 0o644 });
  } catch (error) {
    throw new FaultError(
      {
        code: "units-not-written",
        what: "The units could not be written.",
        where: folder,
        cause: error instanceof Error ? error.message : String(error),
        fix: "with --system: sudo tidegate service install --system; or look at them first with --dry-run",
      },
      { cause: error },
    );
  }
}

/** What systemd itself says of them, where it is there to be asked. */
async function verify(scope: "user" | "system", paths: readonly string[]): Promise<readonly string[]> {
  try {
    await promisify(execFile)("systemd-analyze", [`--${scope}`, "verify", ...paths], { timeout: 20_000 });
    return [];
  } catch (error) {
    const { stderr = "", code } = error as { stderr?: string; code?: unknown };
    // Not installed, or no systemd runs here (a container): then nobody can say anything.
    if (code === "ENOENT" || /Failed to (connect|initialize|set up)|Transport endpoint/i.test(stderr)) return [];
    return stderr.split("\n").filter((line) => line.includes("tidegate-"));
  }
}

/** A data plane that runs has opened its sockets itself: systemd can't open them too. */
const SOCKETS_LATER =
  "The data plane that runs holds its sockets itself. systemd opens them at the next boot; until then connections are refused if keeper and data plane die at the same time.";

function isSocket(name: string): boolean {
  return name.endsWith(".socket");
}

function nextCommands(scope: "user" | "system", units: readonly Unit[], isServing: boolean): readonly string[] {
  const systemctl = scope === "system" ? "systemctl" : "systemctl --user";
  const names = units.map(({ name }) => name);
  const now = names.filter((name) => !isServing || !isSocket(name));
  const later = names.filter((name) => !now.includes(name));
  return [
    `${systemctl} daemon-reload`,
    ...later.map((name) => `${systemctl} enable ${name}`),
    `${systemctl} enable --now ${now.join(" ")}`,
    ...(scope === "system" ? [] : ["loginctl enable-linger   # so that they start at boot, not at login"]),
  ];
}

function environmentHint(context: Context, references: readonly string[]): readonly string[] {
  if (references.length === 0) return [];
  const path = environmentFile({ statePath: context.project().state.path });
  return [
    `The plan takes ${references.join(", ")} from the environment. At boot they come from this file (mode 600), a NAME=value a line:`,
    `  ${path}`,
  ];
}
