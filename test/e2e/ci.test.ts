import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { parse } from "yaml";
import { type App, createApp } from "./support/app.ts";
import { MAIN } from "./support/command.ts";
import { visit, type Visitors } from "./support/visitors.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");

interface Step {
  readonly run: string;
  readonly env: Readonly<Record<string, string>>;
}
interface Action {
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly default: string }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}
interface Job {
  readonly script: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly allow_failure: { readonly exit_codes: readonly number[] };
}
const action = parse(read("ci/github/action.yml")) as Action;
const job = (parse(read("ci/gitlab/tidegate.gitlab-ci.yml")) as Readonly<Record<string, Job>>)[".tidegate-release"];
assert.ok(job !== undefined);

/** Keys of GitHub's "Metadata syntax" and GitLab's "CI/CD YAML syntax reference", as far as they can stand here. */
const KNOWN = {
  action: ["name", "description", "author", "branding", "inputs", "outputs", "runs"],
  input: ["description", "default", "required", "deprecationMessage"],
  step: ["id", "name", "if", "shell", "working-directory", "env", "run", "uses", "with", "continue-on-error"],
  job: [
    "stage",
    "variables",
    "environment",
    "resource_group",
    "interruptible",
    "script",
    "allow_failure",
    "artifacts",
    "rules",
    "tags",
    "needs",
    "image",
  ],
};

function unknown(of: object, known: readonly string[]): readonly string[] {
  return Object.keys(of).filter((key) => !known.includes(key));
}

describe("the files for CI", () => {
  it("have no key that their forge does not know, and put nothing that others wrote into a script's text", () => {
    assert.deepEqual(unknown(action, KNOWN.action), []);
    for (const input of Object.values(action.inputs)) assert.deepEqual(unknown(input, KNOWN.input), []);
    for (const step of action.runs.steps) {
      assert.deepEqual(unknown(step, KNOWN.step), []);
      assert.doesNotMatch(step.run, /\$\{\{/);
    }
    assert.deepEqual(unknown(job, KNOWN.job), []);
    assert.deepEqual(job.allow_failure, { exit_codes: [11] });
    assert.equal(action.runs.using, "composite");
  });
});

/** A forge's API, as far as Tidegate asks it. Comments that were made are there when somebody lists them. */
interface Forge extends AsyncDisposable {
  readonly url: string;
  readonly asked: { readonly method: string; readonly path: string; readonly token: string; readonly body: Body }[];
  answer: (path: string) => number;
}
type Body = Readonly<Record<string, unknown>>;

async function forge(): Promise<Forge> {
  const asked: Forge["asked"] = [];
  const comments = new Map<string, Body[]>();
  const result: { answer: Forge["answer"] } = { answer: () => 200 };
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const raw = await text(request);
    const { method = "", url = "" } = request;
    const path = url.split("?")[0] ?? "";
    const { authorization, "private-token": own } = request.headers;
    const body = (raw === "" ? {} : JSON.parse(raw)) as Body;
    asked.push({ method, path, token: authorization ?? String(own), body });
    const status = result.answer(path);
    if (/comments$|notes$/.test(path)) {
      if (method === "POST" && status < 300) comments.set(path, [...(comments.get(path) ?? []), body]);
      response.writeHead(status).end(JSON.stringify(method === "GET" ? (comments.get(path) ?? []) : { id: 1 }));
      return;
    }
    const found = path.endsWith("/pulls") ? [{ number: 7 }] : path.endsWith("/merge_requests") ? [] : { id: 17 };
    response.writeHead(status).end(JSON.stringify(found));
  };
  const server = createServer((request, response) => void respond(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    get answer() {
      return result.answer;
    },
    set answer(how) {
      result.answer = how;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

let app: App;
let api: Forge;
let people: Visitors;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  api = opened.use(await forge());
  app = opened.use(await createApp());
  app.plan(`
app: shop
services: { web: { run: node server.js, health: { ready: /health, every: 1s, timeout: 1s }, drain: 3s } }
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: { rollback: "> 20%", window: 10s, minRequests: 10, breaches: 1 }, p95: off, restarts: off }
steps: [{ shift: 50%, for: 2s }, { shift: 100%, for: 200ms }]
`);
});

interface Ran {
  readonly code: number;
  readonly out: string;
}

/** Runs a script as a runner does. */
function run(shell: readonly string[], script: string, env: Readonly<Record<string, string>>): Promise<Ran> {
  const [program = "", ...args] = shell;
  const whole = {
    PATH: process.env["PATH"] ?? "",
    HOME: app.folder,
    LANG: "C.UTF-8",
    CI: "true",
    TIDEGATE: `${process.execPath} ${MAIN}`,
    ...env,
  };
  return new Promise((resolve) => {
    execFile(program, [...args, script], { cwd: app.folder, env: whole }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ code, out: `${stdout}${stderr}` });
    });
  });
}

const TOKEN = "ghs_very-secret-token";

function githubJob(sha: string): Promise<Ran> {
  const step = action.runs.steps[0];
  assert.ok(step !== undefined);
  app.write(".output", "");
  app.write(".summary", "");
  return run(["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c"], step.run, {
    GITHUB_TOKEN: TOKEN,
    GITHUB_API_URL: api.url,
    GITHUB_SERVER_URL: "https://github.example.com",
    GITHUB_REPOSITORY: "acme/shop",
    GITHUB_RUN_ID: "99",
    GITHUB_SHA: sha,
    GITHUB_REF: "refs/heads/main",
    GITHUB_OUTPUT: app.file(".output"),
    GITHUB_STEP_SUMMARY: app.file(".summary"),
    TIDEGATE_RELEASE_OF: sha,
    TIDEGATE_RELEASE_TO: "production",
    TIDEGATE_USER: "octocat",
  });
}

function gitlabJob(sha: string, more: Readonly<Record<string, string>>): Promise<Ran> {
  assert.ok(job !== undefined);
  return run(["sh", "-e", "-c"], job.script.join("\n"), {
    CI_API_V4_URL: `${api.url}/api/v4`,
    CI_PROJECT_ID: "12",
    CI_COMMIT_SHA: sha,
    CI_JOB_URL: "https://gitlab.example.com/acme/shop/-/jobs/5",
    TIDEGATE_RELEASE_OF: sha,
    TIDEGATE_RELEASE_TO: "production",
    ...more,
  });
}

const statuses = (path: string): readonly (readonly [unknown, unknown])[] =>
  api.asked.filter((each) => each.path === path).map(({ body }) => [body["state"], body["description"]]);

describe("a job of GitHub Actions", () => {
  it("keeps a deployment's status from its beginning to its end", async () => {
    const sha = app.version({ name: "v0" });
    const { code, out } = await githubJob(sha);
    assert.equal(code, 0, out);
    people = opened.use(visit(app.port));
    const made = api.asked.find(({ path }) => path === "/repos/acme/shop/deployments");
    assert.deepEqual(
      [made?.body["ref"], made?.body["environment"], made?.body["production_environment"], made?.token],
      [sha, "production", true, `Bearer ${TOKEN}`],
    );
    const told = statuses("/repos/acme/shop/deployments/17/statuses");
    assert.equal(told[0]?.[0], "in_progress");
    assert.deepEqual(told.at(-1), ["success", `${sha.slice(0, 7)} is live.`]);
    assert.match(readFileSync(app.file(".output"), "utf8"), /^state=closed\nrelease=1\nsentence=.* is live\.\n$/);
    assert.match(readFileSync(app.file(".summary"), "utf8"), /✔ shop production, release 1/);
    assert.equal(
      api.asked.some(({ path }) => path.endsWith("/comments")),
      false,
    );
  });

  it("fails with a release that was put back, and hands the bug over at the pull request", async () => {
    api.asked.length = 0;
    const sha = app.version({ name: "v1", fails: 1 });
    const { code, out } = await githubJob(sha);
    assert.equal(code, 10, out);
    const told = statuses("/repos/acme/shop/deployments/17/statuses");
    assert.ok(
      told.some(([state, words]) => state === "in_progress" && String(words).startsWith("50% of the traffic on")),
    );
    assert.equal(told.at(-1)?.[0], "failure");
    assert.match(String(told.at(-1)?.[1]), /^errors \d+%/);
    const comment = api.asked.find(({ method, path }) => method === "POST" && path.endsWith("/comments"));
    assert.equal(comment?.path, "/repos/acme/shop/issues/7/comments");
    const body = String(comment?.body["body"]);
    assert.match(
      body,
      new RegExp(`^<!-- tidegate .*\\n### \`${sha.slice(0, 7)}\` was rolled back in production$`, "m"),
    );
    assert.match(body, /\| `GET \/.*` \| 500 \| \d+ \| 0 \|/);
    assert.match(body, /- v1/);
    assert.match(body, /https:\/\/github\.example\.com\/acme\/shop\/actions\/runs\/99/);
    assert.match(readFileSync(app.file(".summary"), "utf8"), /was rolled back in production/);
    assert.ok(!out.includes(TOKEN));
  });

  it("says it once, though the documents come a second time", async () => {
    const { stdout } = await app.tidegate(["status", "2", "--json"]);
    const { status } = JSON.parse(stdout) as { status: unknown };
    const planned = { type: "release-planned", release: 2, app: "shop", environment: "production" };
    app.write("again.jsonl", `${JSON.stringify(planned)}\n${JSON.stringify({ type: "status", status })}\n`);
    api.asked.length = 0;
    const env = {
      GITHUB_TOKEN: TOKEN,
      GITHUB_API_URL: api.url,
      GITHUB_REPOSITORY: "acme/shop",
      GITHUB_SHA: app.git("rev-parse", "HEAD"),
    };
    const again = await run(["sh", "-c"], "$TIDEGATE ci github < again.jsonl", env);
    assert.equal(again.code, 10, again.out);
    assert.equal(
      api.asked.some(({ method, path }) => method === "POST" && path.endsWith("/comments")),
      false,
    );
    assert.match(again.out, /Said so on pull request 7\./);
  });

  it("goes on where GitHub refuses, and says so beside the job, without the token", async () => {
    api.answer = () => 403;
    const env = {
      GITHUB_TOKEN: TOKEN,
      GITHUB_API_URL: api.url,
      GITHUB_REPOSITORY: "acme/shop",
      GITHUB_SHA: app.git("rev-parse", "HEAD"),
    };
    const { code, out } = await run(["sh", "-c"], "$TIDEGATE ci github < again.jsonl", env);
    api.answer = () => 200;
    assert.equal(code, 10, out);
    assert.match(out, /^::warning title=Tidegate::GitHub was not told: POST \/repos\/acme\/shop\/deployments%0A/m);
    assert.match(out, /deployments: write/);
    assert.ok(!out.includes(TOKEN));
  });

  it("fails where the release's documents end before the release", async () => {
    const { code, out } = await run(["sh", "-c"], "head -n 1 again.jsonl | $TIDEGATE ci github", {});
    assert.equal(code, 12, out);
    assert.match(out, /The release's documents ended before it did/);
  });
});

describe("a job of GitLab", () => {
  it("puts statuses at the commit, and the bug too, where no merge request brought it", async () => {
    api.asked.length = 0;
    const sha = app.version({ name: "v2", fails: 1 });
    const { code, out } = await gitlabJob(sha, { TIDEGATE_GITLAB_TOKEN: TOKEN });
    assert.equal(code, 10, out);
    const told = statuses(`/api/v4/projects/12/statuses/${sha}`);
    assert.deepEqual([told[0]?.[0], told.at(-1)?.[0]], ["running", "failed"]);
    const comment = api.asked.find(({ method, path }) => method === "POST" && path.endsWith("/comments"));
    assert.equal(comment?.path, `/api/v4/projects/12/repository/commits/${sha}/comments`);
    assert.match(String(comment?.body["note"]), /was rolled back in production/);
    assert.match(readFileSync(app.file("tidegate.env"), "utf8"), /^TIDEGATE_STATE=rolled-back\nTIDEGATE_RELEASE=3\n/);
    assert.match(readFileSync(app.file("tidegate-report.md"), "utf8"), /was rolled back in production/);
    assert.ok(!out.includes(TOKEN));
  });

  it("says what it can't do without a token, and does the rest", async () => {
    api.asked.length = 0;
    const { code, out } = await run(["sh", "-c"], "$TIDEGATE ci gitlab < again.jsonl", {
      CI_API_V4_URL: `${api.url}/api/v4`,
      CI_PROJECT_ID: "12",
      CI_COMMIT_SHA: app.git("rev-parse", "HEAD"),
    });
    assert.equal(code, 10, out);
    assert.match(out, /those need TIDEGATE_GITLAB_TOKEN/);
    assert.deepEqual(api.asked, []);
  });
});

it("nobody saw more of it than the shares that failed, and nothing is left behind", async () => {
  await people.leave();
  await app.down();
});
