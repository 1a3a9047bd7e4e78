import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { parse } from "yaml";
import { notWritten } from "../../src/cli/commands/init.ts";
import { exitCodeOfFault } from "../../src/cli/exit-code.ts";
import { openFolder } from "../../src/cli/init/folder.ts";
import { fromMarkdown } from "../../src/cli/init/from-markdown.ts";
import { lookAt } from "../../src/cli/init/look.ts";
import { planText } from "../../src/cli/init/plan-text.ts";
import { loadPlanFile } from "../../src/config/load.ts";
import type { Plan } from "../../src/core/plan/plan.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { tidegate } from "./support/program.ts";

const temporary = temporaryFolder();
after(() => temporary[Symbol.asyncDispose]());
let folders = 0;

function folderWith(files: Readonly<Record<string, string>>): string {
  folders += 1;
  const folder = temporary.file(`app-${folders}`);
  for (const [name, text] of Object.entries({ ".git/HEAD": "", ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const NOBODY_LISTENS = (_port: number): boolean => false;

interface Made {
  readonly plan: Plan;
  readonly written: { readonly services: Readonly<Record<string, Record<string, unknown>>> };
  readonly assumed: string;
  readonly unknown: string;
}

/** The plan file that is written for a folder, read back as a release would. */
async function made(files: Readonly<Record<string, string>>, isTaken = NOBODY_LISTENS): Promise<Made> {
  const folder = folderWith(files);
  const facts = lookAt(openFolder(folder), isTaken);
  const text = planText(facts, null);
  writeFileSync(join(folder, "tidegate.yaml"), text);
  const { plan } = await loadPlanFile({ cwd: folder, env: {} });
  return {
    plan,
    written: parse(text) as Made["written"],
    assumed: facts.assumed.join("\n"),
    unknown: facts.unknown.join("\n"),
  };
}

describe("init writes a plan that works for", () => {
  it("an npm app with a start script, a lock file, a build and an .env", async () => {
    const { plan, written, assumed, unknown } = await made({
      "package.json": JSON.stringify({
        name: "@acme/Shop App",
        scripts: { start: "node src/server.js", build: "tsc" },
        dependencies: { express: "5" },
      }),
      "package-lock.json": "{}",
      "src/server.js": 'app.get("/healthz", ok); app.get("/health/ready", ok); app.listen(process.env.PORT ?? 3000);',
      ".env": "A=1",
    });
    assert.equal(plan.app, "shop-app");
    assert.deepEqual(written.services["web"], {
      build: "npm ci && npm run build",
      run: "node src/server.js",
      health: "/health/ready",
      files: [".env"],
    });
    assert.match(assumed, /start script/);
    assert.equal(unknown, "");
  });

  it("a start script that is more than a command", async () => {
    const { written } = await made({
      "package.json": JSON.stringify({ scripts: { start: "prisma generate && node ." } }),
    });
    assert.equal(written.services["web"]?.["run"], "npm start");
  });

  it("a Procfile with a worker, which gets no traffic", async () => {
    const { plan, written, assumed } = await made({
      Procfile: "web: gunicorn app:app --bind 127.0.0.1:$PORT\nworker: python worker.py\nrelease: ./migrate.sh\n",
      "requirements.txt": "gunicorn",
    });
    assert.equal(written.services["web"]?.["run"], "gunicorn app:app --bind 127.0.0.1:${port}");
    assert.deepEqual(
      plan.services.map(({ name, routes }) => [name, routes.length]),
      [
        ["web", 1],
        ["worker", 0],
      ],
    );
    assert.match(assumed, /"release" \(\.\/migrate\.sh\)/);
  });

  it("a Dockerfile alone", async () => {
    const { written, assumed } = await made({
      Dockerfile:
        'FROM node:24\nEXPOSE 3000\nHEALTHCHECK CMD curl -f http://localhost:3000/up\nENTRYPOINT ["node"]\nCMD ["server.js", "--name", "my shop"]\n',
      "server.js": "listen(process.env.PORT)",
    });
    assert.equal(written.services["web"]?.["run"], "node server.js --name 'my shop'");
    assert.equal(written.services["web"]?.["health"], "/up");
    assert.match(assumed, /Dockerfile itself is not used/);
  });

  it("a compose file: the app's own services are released as they stand there, databases shared", async () => {
    const { written, plan, assumed } = await made({
      "compose.yaml": `services:
  api:
    build: .
    ports: ["8080:3000", "9229:9229"]
    healthcheck: { test: ["CMD", "curl", "-f", "http://localhost:3000/health"] }
    depends_on: { migrate: { condition: service_completed_successfully }, db: { condition: service_healthy } }
  jobs: { image: "registry.example.com/shop:1", command: [node, jobs.js] }
  migrate: { build: ., command: node migrate.js }
  db: { image: "postgres:15", volumes: ["data:/var/lib/postgresql/data"] }
  proxy: { image: nginx }
  files: { image: "example/files", volumes: ["uploads:/uploads"] }
  tools: { build: ., profiles: [tools] }
volumes: { data: {}, uploads: {} }
`,
      "package.json": `{ "scripts": { "start": "node api.js" } }`,
    });
    assert.deepEqual(written.services, {
      api: { compose: "api", port: 3000, route: "/", health: "/health" },
      jobs: { compose: "jobs" },
    });
    assert.deepEqual(
      plan.services.map(({ runtime }) => runtime.kind),
      ["compose", "compose"],
    );
    assert.match(assumed, /api, jobs of compose\.yaml run once for each version/);
    assert.match(assumed, /db, proxy, files of compose\.yaml are shared by all versions/);
    assert.match(assumed, /migrate of compose\.yaml runs once for each version, to its end/);
    assert.match(assumed, /tools of compose\.yaml is in a profile and left alone/);
    assert.match(assumed, /tidegate release --adopt 127\.0\.0\.1:8080/);
  });

  for (const [ports, published] of [
    ['"${PORT:-8080}:3000"', 8080],
    ['"127.0.0.1:8081-8082:3000/tcp"', 8081],
    ['"9000:9000/udp", "[::1]:8083:3000"', 8083],
    ["{ target: 3000, published: 8084-8085 }", 8084],
    ['"${PORT?say which}:3000"', null],
  ] as const)
    it(`a compose file whose service publishes ${ports}`, async () => {
      const { written, assumed } = await made({
        "compose.yaml": `services: { jobs: { build: . }, web: { build: ., ports: [${ports}] } }`,
      });
      assert.equal(written.services["web"]?.["route"], "/");
      const adopts = /--adopt 127\.0\.0\.1:(\d+)/.exec(assumed)?.[1] ?? null;
      assert.equal(adopts, published === null ? null : String(published));
    });

  it("a compose file with databases alone: the app's own processes", async () => {
    const { plan, assumed } = await made({
      "compose.yaml": `services: { db: { image: "postgres:15" } }`,
      "package.json": `{ "scripts": { "start": "node api.js" } }`,
    });
    assert.deepEqual(
      plan.services.map(({ runtime }) => runtime.kind === "process" && runtime.run),
      ["node api.js"],
    );
    assert.match(assumed, /db of compose\.yaml stay with compose/);
  });

  it("a FastAPI app", async () => {
    const { written } = await made({ "requirements.txt": "fastapi\nuvicorn", "main.py": '@app.get("/health")' });
    assert.deepEqual(written.services["web"], {
      build: "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt",
      run: ".venv/bin/uvicorn main:app --port ${port}",
      health: "/health",
    });
  });

  it("a folder that says nothing: what is to be filled in is told", async () => {
    const { plan, unknown } = await made({ "notes.txt": "hello" });
    assert.equal(plan.services.length, 1);
    assert.match(unknown, /How web starts: write it into `run`/);
    assert.match(unknown, /No health route was found/);
  });
});

describe("init tells what it could not know", () => {
  it("a port that is written into the code", async () => {
    const { unknown } = await made({
      "package.json": JSON.stringify({ scripts: { start: "node server.js" } }),
      "server.js": "http.createServer(f).listen(3000)",
    });
    assert.match(unknown, /listens on the port that it is given \(the code says 3000\)/);
  });

  it("migrations", async () => {
    const { unknown } = await made({
      "package.json": JSON.stringify({ scripts: { start: "node server.js" } }),
      "db/migrations/1.sql": "",
    });
    assert.match(unknown, /Migrations \(db\/migrations\) are not in the plan: with .*migrations: db\/migrations \}/);
    const alembic = await made({ "package.json": "{}", "alembic.ini": "" });
    assert.match(
      alembic.unknown,
      /Migrations \(alembic\.ini\) are not in the plan: with .*migrations: \{ alembic: \. \}/,
    );
  });

  it("a front door that is taken: the next port", async () => {
    const { plan, assumed } = await made({ "server.js": "" }, (port) => port < 8082);
    assert.equal(plan.traffic.listen[0]?.port, 8082);
    assert.match(assumed, /listens on 8082, because 8080 is taken/);
  });
});

const MARKDOWN = `# Deployment of the shop

## Before

- [ ] Backup checked
- [x] Error budget above 50%
- [ ] Go/No-Go given

## Canary rollout

| phase | traffic | time |
|---|---|---|
| canary | 5% of users | 48 hours |
| early | 25% of traffic | 3 days |
| all | 100% of traffic | 30 minutes |

Roll back when the error rate is above 1%.

## Post-deployment

- [ ] Day 1: errors as before
- [ ] Day 7: performance as before
`;

describe("init where it can't write", () => {
  it("tells a file that is there already from a folder that may not be written", () => {
    const failed = (code: string): unknown => Object.assign(new Error(code), { code });
    const there = notWritten("/srv/shop/checklists/go.md", failed("EEXIST"));
    assert.deepEqual([there.code, there.fix], ["plan-file-exists", "move it away, or go to another folder"]);
    for (const code of ["EACCES", "EROFS", "ENOSPC"]) {
      const fault = notWritten("/srv/shop/tidegate.yaml", failed(code));
      assert.equal(fault.code, "folder-not-writable");
      assert.match(fault.fix ?? "", /one that you may write.*ls -ld \/srv\/shop ; df -h \/srv\/shop/);
      assert.equal(exitCodeOfFault(fault), 3);
    }
  });
});

describe("init --from a Markdown plan", () => {
  it("makes steps of its shares and sign-offs, and checklists of its items", () => {
    const { steps, checklists } = fromMarkdown(MARKDOWN, "DEPLOYMENT.md");
    assert.deepEqual(steps, [
      { check: "checklists/before-release.md" },
      { approve: "anyone", name: "go-live" },
      "smoke",
      { shift: "5%", for: "2d" },
      { shift: "25%", for: "3d" },
      { shift: "100%", for: "30m" },
      { check: "checklists/after-release.md" },
      { approve: "anyone", name: "day-1", after: "1d" },
      { approve: "anyone", name: "day-7", after: "7d" },
      "retire",
    ]);
    assert.deepEqual(
      checklists.map(({ file, items }) => [file, items]),
      [
        ["checklists/before-release.md", 3],
        ["checklists/after-release.md", 2],
      ],
    );
  });

  it("reads several shares of one line, each with its own time, and lines under a heading about them", () => {
    const shifts = (text: string): readonly unknown[] =>
      fromMarkdown(text, "PLAN.md").steps.filter((step) => typeof step === "object" && "shift" in step);
    assert.deepEqual(shifts("## Canary\n5% for 10 minutes, then 25% for 1 hour, then 100%\n"), [
      { shift: "5%", for: "10m" },
      { shift: "25%", for: "1h" },
      { shift: "100%" },
    ]);
    assert.deepEqual(shifts("Rollout: 10% -> 50% -> 100%\n"), [{ shift: "10%" }, { shift: "50%" }, { shift: "100%" }]);
    assert.deepEqual(shifts("## Rollout\n- [ ] 20%, 2 hours\n- [ ] 100%\n\n## Limits\n- [ ] errors < 1%\n"), [
      { shift: "20%", for: "2h" },
      { shift: "100%" },
    ]);
  });

  it("takes the default shares where the plan names none", () => {
    const { steps, notes } = fromMarkdown("# Plan\n\n- [ ] CPU below 70%\n", "PLAN.md");
    assert.deepEqual(
      steps.filter((step) => typeof step === "object" && "shift" in step),
      [{ shift: "5%" }, { shift: "25%" }, { shift: "100%" }],
    );
    assert.match(notes.join("\n"), /No shares of the traffic were found/);
  });

  it("writes files that a release can read, and overwrites none", async () => {
    const folder = folderWith({
      "DEPLOYMENT.md": MARKDOWN,
      "package.json": JSON.stringify({ scripts: { start: "node server.js" } }),
    });
    const first = await tidegate(["init", "--from", "DEPLOYMENT.md", "--json"], { cwd: folder });
    assert.equal(first.code, 0, first.stdout + first.stderr);
    const { written } = JSON.parse(first.stdout) as { readonly written: readonly string[] };
    assert.deepEqual(written, [
      join(folder, "tidegate.yaml"),
      join(folder, "checklists/before-release.md"),
      join(folder, "checklists/after-release.md"),
    ]);
    const { plan } = await loadPlanFile({ cwd: folder, env: {} });
    assert.deepEqual(
      plan.steps.flatMap((step) => (step.kind === "check" ? step.checklist.items.length : [])),
      [3, 2],
    );

    const before = readFileSync(join(folder, "tidegate.yaml"), "utf8");
    const second = await tidegate(["init"], { cwd: folder });
    assert.equal(second.code, 2);
    assert.match(second.stderr, /^There is a plan file already, and it is not overwritten\.$/m);
    assert.equal(readFileSync(join(folder, "tidegate.yaml"), "utf8"), before);
  });
});
