import { createInterface } from "node:readline";
import { describeFault, faultOf } from "../../core/fault.ts";
import { answer, type Context } from "../context.ts";
import type { CommandDefinition } from "../definition.ts";
import { bugReport } from "../ci/bug-report.ts";
import type { Forge } from "../ci/forge.ts";
import { inAFewWords } from "../ci/forge.ts";
import { github } from "../ci/github.ts";
import { gitlab } from "../ci/gitlab.ts";
import { type Story, toldOn, type Turn, UNTOLD } from "../ci/story.ts";
import { tellFiles } from "../ci/told-files.ts";
import { type ExitCode, exitCodeOf, exitCodeOfFault, FAILED, STOPPED_WATCHING } from "../exit-code.ts";

export const ci: CommandDefinition = {
  about:
    "Tells GitHub or GitLab what a release does: reads `tidegate release --json` from stdin, keeps the deployment's status, and comments on the pull request or commit with the bug that a rollback hands over. Needs no plan file and no state, so that the release may run on another machine. Where the forge can't be told that is said and nothing else comes of it; it ends with the release's own exit code.",
  arguments: [{ name: "forge", required: true, about: "github or gitlab", choices: ["github", "gitlab"] }],
  options: [],
  examples: [
    { line: "tidegate release --json | tidegate ci github", does: "in a job of GitHub Actions" },
    { line: "ssh shop tidegate release --json | tidegate ci gitlab", does: "the release runs where the app does" },
  ],
  run: async ({ context, arguments: [where] }) => {
    const name = where === "gitlab" ? "gitlab" : "github";
    const forge = name === "gitlab" ? gitlab(context.env) : github(context.env);
    if (forge === null) context.terminal.complain(NOT_TOLD[name]);
    const trouble: string[] = [];
    const tell = async (say: () => Promise<string | null | void>): Promise<string | null> => {
      try {
        return (await say()) ?? null;
      } catch (error) {
        const fault = faultOf(error, "forge-not-told", "The forge was not told.");
        trouble.push(fault.what);
        context.terminal.complain(warning(name, describeFault(fault)));
        return null;
      }
    };
    let story = UNTOLD;
    for await (const line of createInterface({ input: process.stdin })) {
      const next = toldOn(story, line);
      story = next.story;
      if (next.turn === null) continue;
      if (!context.json) context.terminal.print(inWords(next.turn, story));
      if (forge !== null) await tell(() => said(forge, next.turn, story));
    }
    const report = story.status === null ? null : bugReport(story.status);
    const isBug = story.status?.state === "rolled-back" || story.status?.state === "failed";
    const commentedOn =
      forge === null || story.status === null ? null : await tell(() => forge.ended(story, isBug ? report : null));
    tellFiles(name, context.env, story, report);
    return end(context, story, commentedOn, trouble);
  },
};

const NOT_TOLD = {
  github: "GitHub is not told: GITHUB_TOKEN, GITHUB_REPOSITORY or GITHUB_SHA is not set.",
  gitlab:
    "GitLab is told by the job itself alone, without statuses and comments: those need TIDEGATE_GITLAB_TOKEN, a project access token with the scope api.",
} as const;

async function said(forge: Forge, turn: Turn | null, story: Story): Promise<void> {
  if (turn === "begun") await forge.begun(story);
  if (turn === "moved" || turn === "waits" || (turn === "refused" && story.release !== null)) await forge.moved(story);
}

function inWords(turn: Turn, story: Story): string {
  const { release, app, environment, stable, candidate } = story;
  return turn === "begun"
    ? `release ${release}: ${app} ${stable === null ? "" : `${stable} → `}${candidate?.label ?? ""} ${environment}`
    : inAFewWords(story);
}

/** A line that GitHub shows beside the job. */
function warning(name: "github" | "gitlab", text: string): string {
  return name === "github" ? `::warning title=Tidegate::${text.replaceAll("%", "%25").replaceAll("\n", "%0A")}` : text;
}

function end(context: Context, story: Story, commentedOn: string | null, trouble: readonly string[]): ExitCode {
  const { release, status, fault } = story;
  const lines = [
    ...(status === null && fault === null
      ? ["The release's documents ended before it did: look at `tidegate status` where it runs."]
      : []),
    ...(fault === null ? [] : [describeFault(fault)]),
    ...(commentedOn === null ? [] : [`Said so on ${commentedOn}.`]),
  ];
  const document = { release, state: status?.state ?? null, fault, commentedOn, trouble };
  if (!context.json && lines.length === 0) return codeOf(story);
  return answer(context, document, lines, codeOf(story));
}

function codeOf({ status, fault }: Story): ExitCode {
  if (fault !== null) return exitCodeOfFault(fault);
  if (status === null) return FAILED;
  const isLeft = exitCodeOf(status) === 0 && status.state !== "live" && status.state !== "closed";
  return isLeft ? STOPPED_WATCHING : exitCodeOf(status);
}
