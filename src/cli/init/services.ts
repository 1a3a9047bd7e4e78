import { parse as parseYaml } from "yaml";
import type { Folder, ServiceFacts } from "./facts.ts";

/** Who said how the app is run: the first of these that says anything is believed. */
export interface Found {
  readonly services: readonly Pick<ServiceFacts, "name" | "run" | "isRouted">[];
  readonly from: string;
  readonly notes: readonly string[];
  /** A port that it names. */
  readonly port?: number;
  readonly health?: string;
}

export interface PackageJson {
  readonly name?: string;
  readonly main?: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export function readPackageJson(folder: Folder): PackageJson | undefined {
  const text = folder.read("package.json");
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as PackageJson;
  } catch {
    return undefined;
  }
}

/** `web: node server.js`, a line each. `release:` runs once, and is no service. */
export function fromProcfile(folder: Folder): Found | undefined {
  const text = folder.read("Procfile");
  if (text === undefined) return undefined;
  const lines = text.split("\n").flatMap((line) => {
    const match = /^([A-Za-z0-9_-]+):\s*(\S.*)$/.exec(line.trim());
    return match === null ? [] : [{ name: slug(match[1] ?? ""), run: (match[2] ?? "").trim() }];
  });
  const once = lines.find(({ name }) => name === "release");
  const services = lines.filter(({ name }) => name !== "release");
  if (services.length === 0) return undefined;
  return {
    from: "Procfile",
    services: services.map(({ name, run }) => ({ name, run: ownPort(run), isRouted: name === "web" })),
    notes:
      once === undefined
        ? []
        : [
            `The Procfile's "release" (${once.run}) is not in the plan: put it into a \`run:\` step, with its \`undo\`, if it is to run.`,
          ],
  };
}

/** The start script's own command: a signal that npm has to pass on is a signal that may get lost. */
export function fromPackageJson(folder: Folder, json: PackageJson | undefined): Found | undefined {
  if (json === undefined) return undefined;
  const start = json.scripts?.["start"]?.trim();
  if (start !== undefined && start !== "") {
    const isPlain = /^(?:NODE_ENV=\w+ )?node /.test(start) && !/[&|;<>]/.test(start);
    return found("package.json, the start script", isPlain ? start : "npm start");
  }
  const main =
    json.main ?? ["server.js", "index.js", "app.js", "src/server.js", "src/index.js"].find((file) => folder.has(file));
  return main === undefined || !folder.has(main) ? undefined : found(`package.json, and ${main}`, `node ${main}`);
}

export function fromDockerfile(folder: Folder): Found | undefined {
  const text = folder.read("Dockerfile");
  if (text === undefined) return undefined;
  const lines = text
    .replaceAll(/\\\r?\n/g, " ")
    .split("\n")
    .map((line) => line.trim());
  const last = (word: string): string | undefined =>
    lines
      .findLast((line) => new RegExp(`^${word}\\s`, "i").test(line))
      ?.slice(word.length)
      .trim();
  const run = [shellForm(last("ENTRYPOINT")), shellForm(last("CMD"))].filter((part) => part !== "").join(" ");
  const port = Number(/^(\d+)/.exec(last("EXPOSE") ?? "")?.[1]);
  const health = /https?:\/\/[^/\s"']+(\/[\w/.-]*)/.exec(last("HEALTHCHECK") ?? "")?.[1];
  if (run === "") return undefined;
  return {
    ...found("Dockerfile", run),
    notes: [
      "The Dockerfile itself is not used: Tidegate runs the command on this machine, so what the image installs must be here.",
    ],
    ...(port > 0 ? { port } : {}),
    ...(health === undefined || health === "/" ? {} : { health }),
  };
}

/** Services that a compose file builds from this folder; databases and the like are somebody else's images. */
export function fromCompose(folder: Folder): Found | undefined {
  const name = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"].find((file) =>
    folder.has(file),
  );
  const text = name === undefined ? undefined : folder.read(name);
  if (name === undefined || text === undefined) return undefined;
  const services = composeServices(text);
  const own = services.filter(({ isBuilt, run }) => isBuilt && run !== "");
  const others = services.filter(({ isBuilt }) => !isBuilt).map((one) => one.name);
  const notes =
    others.length === 0
      ? []
      : [`${others.join(", ")} of ${name} stay with compose: Tidegate releases the app's own processes.`];
  const routed = own.find(({ ports }) => ports.length > 0);
  if (own.length === 0) return { from: name, services: [], notes };
  return {
    from: name,
    services: own.map((one) => ({ name: slug(one.name), run: ownPort(one.run), isRouted: one === routed })),
    notes,
    ...(routed?.ports[0] === undefined ? {} : { port: routed.ports[0] }),
    ...(routed?.health === undefined ? {} : { health: routed.health }),
  };
}

interface ComposeService {
  readonly name: string;
  readonly isBuilt: boolean;
  readonly run: string;
  /** Inside the container. */
  readonly ports: readonly number[];
  readonly health?: string;
}

function composeServices(text: string): readonly ComposeService[] {
  let document: unknown;
  try {
    document = parseYaml(text);
  } catch {
    return [];
  }
  const services = isMap(document) && isMap(document["services"]) ? document["services"] : {};
  return Object.entries(services).map(([name, value]) => {
    const map = isMap(value) ? value : {};
    const test = isMap(map["healthcheck"]) ? JSON.stringify(map["healthcheck"]["test"] ?? "") : "";
    const health = /https?:\/\/[^/\s"']+(\/[\w/.-]+)/.exec(test)?.[1];
    const ports = Array.isArray(map["ports"])
      ? map["ports"].map((port) => Number(/(\d+)(?:\/\w+)?$/.exec(String(port))?.[1]))
      : [];
    return {
      name,
      isBuilt: map["build"] !== undefined,
      run: words(map["command"]),
      ports: ports.filter((port) => port > 0),
      ...(health === undefined ? {} : { health }),
    };
  });
}

function found(from: string, run: string): Found {
  return { from, services: [{ name: "web", run: ownPort(run), isRouted: true }], notes: [] };
}

/** `$PORT` is in the instance's environment; a port that is written out is replaced by the one that it gets. */
function ownPort(run: string): string {
  return run
    .replaceAll(/\$\{PORT\}|\$PORT\b/g, () => "${port}")
    .replace(/(--port[= ]|-p )\d{2,5}\b/, (_, option: string) => `${option}\${port}`);
}

/** `["node", "server.js"]` as a shell line; a shell line as it is. */
function shellForm(text: string | undefined): string {
  if (text === undefined) return "";
  try {
    return words(JSON.parse(text));
  } catch {
    return text;
  }
}

function words(value: unknown): string {
  if (typeof value === "string") return value.trim();
  if (!Array.isArray(value)) return "";
  return value
    .map((word) =>
      /^[\w@%+=:,./$-]+$/.test(String(word)) ? String(word) : `'${String(word).replaceAll("'", String.raw`'\''`)}'`,
    )
    .join(" ");
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A name as the plan file takes it: small letters, digits and `-`. */
export function slug(text: string): string {
  const plain = text
    .toLowerCase()
    .replace(/^@[^/]*\//, "")
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  return /^[a-z]/.test(plain) ? plain.slice(0, 40) : plain === "" ? "app" : `app-${plain}`.slice(0, 40);
}
