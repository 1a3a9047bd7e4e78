import { onOneLine } from "../../core/text/plain-text.ts";
import { callApi, type Api } from "./call-api.ts";
import { type Forge, inAFewWords, markOf, type Standing, standingOf } from "./forge.ts";
import type { Story } from "./story.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Source: GitHub REST API, "Create a deployment status". */
const STATES: Readonly<Record<Standing, string>> = {
  running: "in_progress",
  waiting: "pending",
  good: "success",
  "rolled-back": "failure",
  broken: "error",
};

/** A description holds 140 characters. */
const LONGEST = 140;

/**
 * A deployment with its statuses, and a comment on the pull request or commit. Told by the variables that every job of
 * GitHub Actions has, and by the job's own token; null where these are missing.
 */
export function github(env: Env): Forge | null {
  const { GITHUB_TOKEN: token, GITHUB_REPOSITORY: repository, GITHUB_SHA: sha } = env;
  if (!isThere(token) || !isThere(repository) || !isThere(sha)) return null;
  const api: Api = {
    name: "GitHub",
    base: env["GITHUB_API_URL"] ?? "https://api.github.com",
    headers: {
      authorization: `Bearer ${token}`,
      accept: "application/vnd.github+json",
      "x-github-api-version": "2022-11-28",
    },
    token,
    permission:
      "give the job these permissions: `permissions: { contents: write, deployments: write, pull-requests: write }`",
  };
  const repo = `/repos/${repository}`;
  const run = `${env["GITHUB_SERVER_URL"] ?? "https://github.com"}/${repository}/actions/runs/${env["GITHUB_RUN_ID"] ?? ""}`;
  let deployment: number | null = null;

  const tell = async (story: Story): Promise<void> => {
    if (deployment === null) return;
    await callApi(api, "POST", `${repo}/deployments/${deployment}/statuses`, {
      state: STATES[standingOf(story)],
      description: onOneLine(inAFewWords(story), LONGEST),
      log_url: run,
    });
  };

  const comment = async (story: Story, report: string): Promise<string> => {
    const number = pullRequestOf(env) ?? (await pullRequestWith(api, repo, sha));
    const place = number === null ? `${repo}/commits/${sha}/comments` : `${repo}/issues/${number}/comments`;
    const where = number === null ? `commit ${sha.slice(0, 7)}` : `pull request ${number}`;
    const said = (await callApi(api, "GET", `${place}?per_page=100`)) as readonly { readonly body?: string }[] | null;
    const mark = markOf(story);
    if (said?.some(({ body }) => body?.includes(mark)) !== true)
      await callApi(api, "POST", place, { body: `${mark}\n${report}\n[The job](${run})\n` });
    return where;
  };

  return {
    begun: async (story) => {
      const made = (await callApi(api, "POST", `${repo}/deployments`, {
        ref: sha,
        environment: story.environment,
        description: onOneLine(
          `${story.app} ${story.stable ?? "(nothing)"} → ${story.candidate?.label ?? ""}`,
          LONGEST,
        ),
        // What must have passed before is the workflow's to say.
        required_contexts: [],
        auto_merge: false,
        production_environment: story.environment === "production",
        payload: { release: story.release, version: story.candidate?.version },
      })) as { readonly id?: number } | null;
      deployment = made?.id ?? null;
      await tell(story);
    },
    moved: tell,
    ended: async (story, report) => {
      await tell(story);
      return report === null ? null : comment(story, report);
    },
  };
}

/** Of a job that runs for one: `refs/pull/7/merge`. */
function pullRequestOf({ GITHUB_REF: ref = "" }: Env): number | null {
  const number = /^refs\/pull\/(\d+)\//.exec(ref)?.[1];
  return number === undefined ? null : Number(number);
}

/** The newest that brought the commit; null: it came by itself. */
async function pullRequestWith(api: Api, repo: string, sha: string): Promise<number | null> {
  const pulls = (await callApi(api, "GET", `${repo}/commits/${sha}/pulls`)) as
    readonly { readonly number?: number }[] | null;
  return pulls?.[0]?.number ?? null;
}

function isThere(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}
