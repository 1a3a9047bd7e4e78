import type { CommandDefinition } from "./definition.ts";

/** One line of `tidegate --help`; the rest of a command is loaded when it is asked for. */
export interface CommandEntry {
  readonly name: string;
  readonly group: "Begin" | "Release" | "Act" | "Processes" | "Else";
  readonly summary: string;
  readonly load: () => Promise<CommandDefinition>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "init",
    group: "Begin",
    summary: "look at the folder and write a plan file for it",
    load: async () => (await import("./commands/init.ts")).init,
  },
  {
    name: "doctor",
    group: "Begin",
    summary: "find out what is missing or in the way, and how to mend it",
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  {
    name: "notify",
    group: "Begin",
    summary: "send a test message to whoever the plan file tells",
    load: async () => (await import("./commands/notify.ts")).notify,
  },
  {
    name: "demo",
    group: "Begin",
    summary: "see a good release and a bad one on this machine, in about a minute",
    load: async () => (await import("./commands/demo.ts")).demo,
  },
  {
    name: "plan",
    group: "Release",
    summary: "show what a release would do now; changes nothing",
    load: async () => (await import("./commands/plan.ts")).plan,
  },
  {
    name: "simulate",
    group: "Release",
    summary: "say what a step would catch, before anything is released",
    load: async () => (await import("./commands/simulate.ts")).simulate,
  },
  {
    name: "migrate",
    group: "Release",
    summary: "change the database by SQL files, and say what SQL would block",
    load: async () => (await import("./commands/migrate.ts")).migrate,
  },
  {
    name: "backup",
    group: "Release",
    summary: "back the app's database up, and prove that it can be restored",
    load: async () => (await import("./commands/backup.ts")).backup,
  },
  {
    name: "restore",
    group: "Release",
    summary: "bring the database back from a backup",
    load: async () => (await import("./commands/restore.ts")).restore,
  },
  {
    name: "rehearse",
    group: "Release",
    summary: "run the whole plan beside production, rollback and recovery included",
    load: async () => (await import("./commands/rehearse.ts")).rehearse,
  },
  {
    name: "release",
    group: "Release",
    summary: "release a version a little at a time, and follow it",
    load: async () => (await import("./commands/release.ts")).release,
  },
  {
    name: "status",
    group: "Release",
    summary: "show where things stand, why, and who acts next",
    load: async () => (await import("./commands/status.ts")).status,
  },
  {
    name: "attach",
    group: "Release",
    summary: "go on with a release that nobody acts on",
    load: async () => (await import("./commands/attach.ts")).attach,
  },
  {
    name: "approve",
    group: "Act",
    summary: "approve a step, or tick an item of a checklist",
    load: async () => (await import("./commands/approve.ts")).approve,
  },
  {
    name: "promote",
    group: "Act",
    summary: "end the step that is due now, or skip one",
    load: async () => (await import("./commands/promote.ts")).promote,
  },
  {
    name: "pause",
    group: "Act",
    summary: "stay where it is until resumed",
    load: async () => (await import("./commands/pause.ts")).pause,
  },
  {
    name: "resume",
    group: "Act",
    summary: "go on after a pause",
    load: async () => (await import("./commands/resume.ts")).resume,
  },
  {
    name: "step-back",
    group: "Act",
    summary: "go back to the share before",
    load: async () => (await import("./commands/step-back.ts")).stepBack,
  },
  {
    name: "rollback",
    group: "Act",
    summary: "put everything back on the version before",
    load: async () => (await import("./commands/rollback.ts")).rollback,
  },
  {
    name: "retry",
    group: "Act",
    summary: "try a step again that failed or is held",
    load: async () => (await import("./commands/retry.ts")).retry,
  },
  {
    name: "ack",
    group: "Act",
    summary: "say that you look after what people were called for",
    load: async () => (await import("./commands/ack.ts")).ack,
  },
  {
    name: "serve",
    group: "Processes",
    summary: "run the engine that acts on releases for as long as it lives",
    load: async () => (await import("./commands/serve.ts")).serve,
  },
  {
    name: "proxy",
    group: "Processes",
    summary: "run the data plane; the keeper does this by itself",
    load: async () => (await import("./commands/proxy.ts")).proxy,
  },
  {
    name: "keeper",
    group: "Processes",
    summary: "run what keeps instances and the data plane alive",
    load: async () => (await import("./commands/keeper.ts")).keeper,
  },
  {
    name: "haproxy",
    group: "Processes",
    summary: "show, add or check what the configuration of an HAProxy needs",
    load: async () => (await import("./commands/haproxy.ts")).haproxy,
  },
  {
    name: "service",
    group: "Processes",
    summary: "write systemd units that start keeper and engine at boot",
    load: async () => (await import("./commands/service.ts")).service,
  },
  {
    name: "down",
    group: "Processes",
    summary: "stop everything of the app; its data stays",
    load: async () => (await import("./commands/down.ts")).down,
  },
  {
    name: "ci",
    group: "Else",
    summary: "tell GitHub or GitLab what a release does",
    load: async () => (await import("./commands/ci.ts")).ci,
  },
  {
    name: "completion",
    group: "Else",
    summary: "print the completion script of a shell",
    load: async () => (await import("./commands/completion.ts")).completion,
  },
];

/** Words of later versions: told as such, never listed. */
export const NOT_BUILT: readonly string[] = ["flag", "evidence", "report", "audit", "watchdog"];
