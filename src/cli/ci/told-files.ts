import { appendFileSync, writeFileSync } from "node:fs";
import { onOneLine } from "../../core/text/plain-text.ts";
import { inAFewWords, standingOf } from "./forge.ts";
import type { Story } from "./story.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** What later steps and jobs read: outputs and the job's summary on GitHub, a dotenv report and a file on GitLab. */
export function tellFiles(where: "github" | "gitlab", env: Env, story: Story, report: string | null): void {
  const values = {
    state: story.status?.state ?? (story.fault === null ? "unknown" : "refused"),
    release: String(story.release ?? ""),
    sentence: onOneLine(inAFewWords(story), 500),
  };
  if (where === "gitlab") {
    const lines = Object.entries(values).map(([key, value]) => `TIDEGATE_${key.toUpperCase()}=${value}`);
    writeFileSync("tidegate.env", `${lines.join("\n")}\n`);
    writeFileSync("tidegate-report.md", report ?? summary(story));
    return;
  }
  const { GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: page } = env;
  if (output !== undefined && output !== "")
    appendFileSync(
      output,
      `${Object.entries(values)
        .map(([key, value]) => `${key}=${value}`)
        .join("\n")}\n`,
    );
  if (page !== undefined && page !== "") appendFileSync(page, report ?? summary(story));
}

function summary(story: Story): string {
  const mark = standingOf(story) === "good" ? "✔" : "✖";
  const { app, environment, release } = story;
  const title = release === null ? "Nothing was released" : `${app} ${environment}, release ${release}`;
  return `### ${mark} ${title}\n\n${inAFewWords(story)}\n`;
}
