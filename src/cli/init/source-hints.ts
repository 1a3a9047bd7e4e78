import { dirname, join, normalize } from "node:path/posix";
import type { Folder } from "./facts.ts";

/** What a service's own code says of its health routes and its port. */
export interface SourceHints {
  /** The route that tells best whether it is ready. */
  readonly health?: string;
  /** A port that is written into the code. */
  readonly port?: number;
  /** It reads PORT from its environment, or has an option for it. */
  readonly readsPort: boolean;
}

const MOST_FILES = 60;
const EXTENSIONS = /\.(?:[cm]?[jt]sx?|py|rb|go|php|java|kt|ex|rs)$/;
const SKIPPED = /^(?:node_modules|dist|build|coverage|vendor|venv|test|tests|__tests__|spec|\..*)$/;

/** The best first. */
const HEALTH_ROUTES = [
  /^\/(?:api\/|_)?health\/ready$/,
  /^\/(?:api\/|_)?readyz?$/,
  /^\/-\/ready$/,
  /^\/(?:api\/|_)?healthz?$/,
  /^\/(?:api\/|_)?healthcheck$/,
  /^\/-\/healthy$/,
  /^\/(?:api\/|_)?(?:health\/live|livez?)$/,
  /^\/(?:up|status|ping|heartbeat)$/,
];

/** Reads the service's sources, from the file that it is started with on; a few dozen at most. */
export function sourceHints(folder: Folder, run: string | null): SourceHints {
  const texts = sourceFiles(folder, run).flatMap((file) => folder.read(file) ?? []);
  const routes = texts.flatMap((text) =>
    [...text.matchAll(/["'`](\/[\w/.-]{1,40})["'`]/g)].map(([, route = ""]) => route),
  );
  const health = HEALTH_ROUTES.map((pattern) => routes.find((route) => pattern.test(route))).find(
    (route) => route !== undefined,
  );
  const port = texts.map(literalPort).find((found) => found !== undefined);
  return {
    readsPort: texts.some((text) => /\bPORT\b/.test(text)) || (run !== null && /\$\{?PORT\b|--port\b/.test(run)),
    ...(health === undefined ? {} : { health }),
    ...(port === undefined ? {} : { port }),
  };
}

function literalPort(text: string): number | undefined {
  const match =
    /\blisten\(\s*(\d{2,5})\b/.exec(text) ??
    /\b(?:port|PORT)\b\s*(?:\?\?|\|\||[:=])\s*["']?(\d{2,5})\b/.exec(text) ??
    /ListenAndServe\(\s*"[^"]*:(\d{2,5})"/.exec(text);
  const port = Number(match?.[1]);
  return port > 0 && port <= 65_535 ? port : undefined;
}

function sourceFiles(folder: Folder, run: string | null): readonly string[] {
  const entry = /(?:^|\s)((?:\.\/)?[\w./-]+\.(?:[cm]?[jt]s|py|rb|php))(?:\s|$)/.exec(run ?? "")?.[1];
  const first = entry === undefined ? [] : [normalize(entry)];
  const folders = [".", "src", "app", "lib", "server", "api", "routes", "src/routes", "src/server", "src/api", "cmd"];
  const near = entry === undefined ? [] : [dirname(normalize(entry))];
  const all = [...near, ...folders].flatMap((name) =>
    folder
      .list(name)
      .filter((file) => EXTENSIONS.test(file) && !SKIPPED.test(file) && !/\.(?:test|spec|d)\./.test(file))
      .map((file) => join(name, file)),
  );
  return [...new Set([...first, ...all])].slice(0, MOST_FILES);
}
