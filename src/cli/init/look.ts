import { basename } from "node:path";
import { fromCompose } from "./compose-services.ts";
import type { Facts, Folder, ServiceFacts } from "./facts.ts";
import {
  type Found,
  fromDockerfile,
  fromPackageJson,
  fromProcfile,
  type PackageJson,
  readPackageJson,
  slug,
} from "./services.ts";
import { sourceHints } from "./source-hints.ts";

const DEFAULT_FRONT = 8080;

/** Looks at a folder as an engineer would on their first day: reads, starts nothing. */
export function lookAt(folder: Folder, isPortTaken: (port: number) => boolean): Facts {
  const json = readPackageJson(folder);
  const compose = fromCompose(folder);
  const found =
    withServices(compose) ??
    fromProcfile(folder) ??
    fromPackageJson(folder, json) ??
    fromDockerfile(folder) ??
    fromManifests(folder);
  const isComposed = found !== undefined && found === compose;
  const build = isComposed ? undefined : buildOf(folder, json);
  const files = isComposed ? [] : [".env"].filter((file) => folder.has(file));
  const services = (found?.services ?? [{ name: "web", run: null, isRouted: true }]).map((service): ServiceFacts => {
    const hints = service.isRouted ? sourceHints(folder, service.run) : { readsPort: true };
    const health = hints.health ?? found?.health ?? compose?.health;
    return {
      ...service,
      files,
      ...(build === undefined ? {} : { build }),
      ...(service.isRouted && health !== undefined ? { health } : {}),
    };
  });
  const hints = sourceHints(folder, services.find(({ isRouted }) => isRouted)?.run ?? null);
  const front = freePort(isPortTaken);
  return {
    app: slug(json?.name ?? basename(folder.path)),
    services,
    front,
    assumed: [
      ...(found === undefined ? [] : [`How it starts comes from ${found.from}.`, ...found.notes]),
      ...(found === compose || compose === undefined ? [] : compose.notes),
      ...(build === undefined ? [] : [`A version is built with "${build}", once, in a worktree of its own.`]),
      ...files.map((file) => `${file} is copied into each version's folder.`),
      ...(front === DEFAULT_FRONT ? [] : [`Tidegate listens on ${front}, because ${DEFAULT_FRONT} is taken.`]),
    ],
    unknown: unknownOf(folder, services, hints, found?.port),
  };
}

function withServices(found: Found | undefined): Found | undefined {
  return found === undefined || found.services.length === 0 ? undefined : found;
}

/** Other languages: what their frameworks are started with. */
function fromManifests(folder: Folder): Found | undefined {
  const web = (from: string, run: string): Found => ({
    from,
    services: [{ name: "web", run, isRouted: true }],
    notes: [],
  });
  const python = `${folder.read("requirements.txt") ?? ""}${folder.read("pyproject.toml") ?? ""}`;
  if (folder.has("config.ru") || folder.has("config/puma.rb"))
    return web("config.ru", "bundle exec puma -p ${port} -b tcp://127.0.0.1");
  if (folder.has("manage.py") && /gunicorn/i.test(python)) {
    const wsgi = folder.list(".").find((name) => folder.has(`${name}/wsgi.py`));
    if (wsgi !== undefined) return web("manage.py", `.venv/bin/gunicorn ${wsgi}.wsgi --bind 127.0.0.1:\${port}`);
  }
  if (/uvicorn|fastapi/i.test(python) && folder.has("main.py"))
    return web("main.py", ".venv/bin/uvicorn main:app --port ${port}");
  if (folder.has("go.mod") && folder.has("main.go")) return web("main.go", "./server");
  const program = NODE_PROGRAMS.find((name) => folder.has(name));
  if (program === undefined) return undefined;
  return web(program, `node ${program}${/--port\b/.test(folder.read(program) ?? "") ? " --port ${port}" : ""}`);
}

/** What a folder without package.json is most likely started with. */
const NODE_PROGRAMS = ["server", "index", "app", "main"].flatMap((name) =>
  [".js", ".mjs", ".cjs", ".ts"].map((ending) => `${name}${ending}`),
);

function buildOf(folder: Folder, json: PackageJson | undefined): string | undefined {
  if (json !== undefined) {
    const install = installOf(folder, json);
    const build = json.scripts?.["build"] === undefined ? undefined : "npm run build";
    const both = [install, build].filter((part) => part !== undefined);
    return both.length === 0 ? undefined : both.join(" && ");
  }
  if (folder.has("requirements.txt")) return "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt";
  if (folder.has("Gemfile.lock")) return "bundle install";
  if (folder.has("go.mod")) return "go build -o server .";
  return undefined;
}

function installOf(folder: Folder, json: PackageJson): string | undefined {
  if (folder.has("pnpm-lock.yaml")) return "pnpm install --frozen-lockfile";
  if (folder.has("yarn.lock")) return "yarn install --frozen-lockfile";
  if (folder.has("package-lock.json") || folder.has("npm-shrinkwrap.json")) return "npm ci";
  const needs = Object.keys({ ...json.dependencies, ...json.devDependencies }).length;
  return needs > 0 ? "npm install" : undefined;
}

function unknownOf(
  folder: Folder,
  services: readonly ServiceFacts[],
  hints: ReturnType<typeof sourceHints>,
  namedPort: number | undefined,
): readonly string[] {
  const routed = services.find(({ isRouted }) => isRouted);
  const migrations = ["migrations", "db/migrate", "db/migrations", "prisma/migrations", "alembic.ini", "alembic"].find(
    (name) => folder.has(name),
  );
  const port = hints.port ?? namedPort;
  return [
    ...services
      .filter(({ run, compose }) => run === null && compose === undefined)
      .map(({ name }) => `How ${name} starts: write it into \`run\`.`),
    ...(routed === undefined ? ["Which service takes requests: give it a `route`."] : []),
    ...(routed !== undefined && routed.health === undefined
      ? [
          "No health route was found: an instance counts as ready when its port answers. Better: name a route, `health: /health`.",
        ]
      : []),
    ...(routed !== undefined &&
    typeof routed.run === "string" &&
    routed.compose === undefined &&
    !hints.readsPort &&
    !routed.run.includes("${port}")
      ? [
          `Whether it listens on the port that it is given${port === undefined ? "" : ` (the code says ${port})`}: it must read PORT, or take \${port} in \`run\`.`,
        ]
      : []),
    ...(folder.has(".git") || folder.has("../.git")
      ? []
      : [
          "Versions come from git, and this folder is no repository: git init and commit, or make versions yourself with `prepare:`.",
        ]),
    ...(migrations === undefined
      ? []
      : [
          `Migrations (${migrations}) are not in the plan: with \`database: { url: "\${DATABASE_URL}", migrations: ${migrationsValue(migrations)} }\` a release backs up and runs them (docs/schema-changes.md, docs/migration-tools.md).`,
        ]),
  ];
}

/** As it is written under `database:`. */
function migrationsValue(found: string): string {
  if (found.startsWith("alembic")) return "{ alembic: . }";
  if (found === "db/migrate") return "{ rails: . }";
  return found.startsWith("prisma") ? "{ command: … }" : found;
}

function freePort(isTaken: (port: number) => boolean): number {
  for (let port = DEFAULT_FRONT; port < DEFAULT_FRONT + 20; port += 1) if (!isTaken(port)) return port;
  return DEFAULT_FRONT;
}
