import { onOneLine } from "../../core/text/plain-text.ts";
import { callApi, type Api } from "./call-api.ts";
import { type Forge, inAFewWords, markOf, type Standing, standingOf } from "./forge.ts";
import type { Story } from "./story.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Source: GitLab API, "Set the pipeline status of a commit". */
const STATES: Readonly<Record<Standing, string>> = {
  running: "running",
  waiting: "pending",
  good: "success",
  "rolled-back": "failed",
  broken: "failed",
};

/** A description holds 255 characters. */
const LONGEST = 255;

/**
 * A status at the commit, and a comment on the merge request or commit. The deployment itself GitLab makes of the job's
 * `environment:`. A job's own token may do none of it, so that another one is needed: null where there is none.
 */
export function gitlab(env: Env): Forge | null {
  const { TIDEGATE_GITLAB_TOKEN: token, CI_API_V4_URL: base, CI_PROJECT_ID: project, CI_COMMIT_SHA: sha } = env;
  if (!isThere(token) || !isThere(base) || !isThere(project) || !isThere(sha)) return null;
  const api: Api = {
    name: "GitLab",
    base,
    headers: { "private-token": token },
    token,
    permission: "give TIDEGATE_GITLAB_TOKEN the scope `api` and the role Developer",
  };
  const root = `/projects/${encodeURIComponent(project)}`;
  const job = env["CI_JOB_URL"];

  const tell = async (story: Story): Promise<void> => {
    await callApi(api, "POST", `${root}/statuses/${sha}`, {
      state: STATES[standingOf(story)],
      name: `tidegate ${story.environment}`,
      description: onOneLine(inAFewWords(story), LONGEST),
      ...(job === undefined ? {} : { target_url: job }),
    });
  };

  const comment = async (story: Story, report: string): Promise<string> => {
    const number = env["CI_MERGE_REQUEST_IID"] ?? (await mergeRequestWith(api, root, sha));
    const isOfRequest = isThere(number);
    const place = isOfRequest ? `${root}/merge_requests/${number}/notes` : `${root}/repository/commits/${sha}/comments`;
    const said = (await callApi(api, "GET", `${place}?per_page=100`)) as
      readonly { readonly body?: string; readonly note?: string }[] | null;
    const mark = markOf(story);
    const text = `${mark}\n${report}\n${job === undefined ? "" : `[The job](${job})\n`}`;
    if (said?.some(({ body, note }) => (body ?? note)?.includes(mark)) !== true)
      await callApi(api, "POST", place, isOfRequest ? { body: text } : { note: text });
    return isOfRequest ? `merge request ${number}` : `commit ${sha.slice(0, 7)}`;
  };

  return {
    begun: tell,
    moved: tell,
    ended: async (story, report) => {
      await tell(story);
      return report === null ? null : comment(story, report);
    },
  };
}

/** The newest that brought the commit; undefined: it came by itself. */
async function mergeRequestWith(api: Api, root: string, sha: string): Promise<string | undefined> {
  const requests = (await callApi(api, "GET", `${root}/repository/commits/${sha}/merge_requests`)) as
    readonly { readonly iid?: number }[] | null;
  const iid = requests?.[0]?.iid;
  return iid === undefined ? undefined : String(iid);
}

function isThere(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}
