import type { Plan } from "../core/plan/plan.ts";
import type { Service } from "../core/plan/service.ts";

type PlaceOf = (path: readonly string[]) => { readonly file: string; readonly line: number } | undefined;

/**
 * Services that are told to listen on a port of their own. Each instance gets one from Tidegate, because two versions run
 * beside each other, and is asked there: one that listens elsewhere is never ready. That the app reads PORT can't be
 * seen, so only a port that stands there in figures is told.
 */
export function fixedPorts({ services }: Plan, placeOf: PlaceOf): readonly string[] {
  return services.flatMap((service) => {
    const found = isAsked(service) ? fixedPortOf(service) : null;
    if (found === null) return [];
    const place = placeOf(["services", service.name, ...found.path]);
    const where = place === undefined ? "" : ` (${place.file}:${place.line})`;
    return [
      `\`${found.text}\` in \`${found.path.join(".")}\` of ${service.name}${where} is one port for all: two versions run beside each other, so each instance must listen on the one that it is given. Write \`${found.instead}\`${found.path[0] === "run" ? ", or leave it out where the app reads PORT" : ", or leave it out: PORT is set"}.`,
    ];
  });
}

/** A worker may listen where it likes. */
function isAsked({ routes, health }: Service): boolean {
  return routes.length > 0 || health !== undefined;
}

interface FixedPort {
  readonly path: readonly string[];
  readonly text: string;
  readonly instead: string;
}

function fixedPortOf({ runtime, env }: Service): FixedPort | null {
  // In a container it is its own.
  if (runtime.kind === "compose") return null;
  const { run } = runtime;
  const port = env["PORT"]?.trim() ?? "";
  if (isPort(port)) return { path: ["env", "PORT"], text: port, instead: "${port}" };
  // Where the given one is named, what else stands there is something else.
  if (/\$\{?port\b/i.test(run)) return null;
  // What goes before may well ask another server on its own port: `wait-for --port 5432 && node server.js`.
  const last = run.split(/&&|[;|]/).at(-1) ?? "";
  for (const pattern of IN_COMMANDS) {
    const found = pattern.exec(last);
    const { before = "", port: digits = "" } = found?.groups ?? {};
    if (found === null || !isPort(digits)) continue;
    return { path: ["run"], text: `${before}${digits}`, instead: `${before}\${port}` };
  }
  return null;
}

/** As programs are told where to listen; `-p` only of those of which it is known that they mean a port. */
const IN_COMMANDS: readonly RegExp[] = [
  /(?:^|\s)(?<before>PORT=)(?<port>\d+)(?=\s)/,
  /\s(?<before>--(?:http-|server-|server\.)?port[= ])(?<port>\d+)(?=\s|$)/,
  /\s(?<before>(?:--bind|--listen|--addr|--address|-b|-S)[= ](?:[\w.*-]*|\[[\da-f:]*\]):)(?<port>\d+)(?=\s|$)/,
  /(?:^|[\s/])(?:next|vite|serve|http-server|rails|puma|rackup|thin|flask)\s(?:[^;&|]*\s)?(?<before>-p )(?<port>\d+)(?=\s|$)/,
];

function isPort(digits: string): boolean {
  return /^\d+$/.test(digits) && Number(digits) > 0 && Number(digits) < 65_536;
}
