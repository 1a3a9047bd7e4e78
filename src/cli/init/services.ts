import type { Folder, ServiceFacts } from "./facts.ts";

/** Who said how the app is run: the first of these that says anything is believed. */
export interface Found {
  readonly services: readonly Pick<ServiceFacts, "name" | "run" | "isRouted" | "compose">[];
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

export function words(value: unknown): string {
  if (typeof value === "string") return value.trim();
  if (!Array.isArray(value)) return "";
  return value
    .map((word) =>
      /^[\w@%+=:,./$-]+$/.test(String(word)) ? String(word) : `'${String(word).replaceAll("'", String.raw`'\''`)}'`,
    )
    .join(" ");
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
