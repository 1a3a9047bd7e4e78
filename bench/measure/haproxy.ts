import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { accepting, freePort, startProgram, type StartedProgram } from "./started-program.ts";

const COMMON = `
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option http-keep-alive
`;

/** Answers 1 KB at /small and 100 KB elsewhere, in C, so that the contestants and not the backend are measured. */
export function startBackend(folder: string): Promise<StartedProgram & { readonly port: number }> {
  writeFileSync(join(folder, "small"), "a".repeat(1_024));
  writeFileSync(join(folder, "large"), "b".repeat(100 * 1_024));
  const answer = (name: string): string =>
    `http-request return status 200 content-type text/plain file ${join(folder, name)}`;
  return startHaproxy(
    folder,
    "backend",
    (port) => `
global
  nbthread 1
  maxconn 1000
  tune.bufsize 131072
${COMMON}
frontend all
  bind 127.0.0.1:${port}
  option http-buffer-request
  ${answer("small")} if { path /small }
  ${answer("large")}
`,
  );
}

/** HAProxy as a reverse proxy with one thread and kept connections to the backend. */
export function startHaproxyContestant(
  folder: string,
  backendPort: number,
): Promise<StartedProgram & { readonly port: number }> {
  return startHaproxy(
    folder,
    "contestant",
    (port) => `
global
  nbthread 1
  maxconn 1000
${COMMON}
frontend all
  bind 127.0.0.1:${port}
  option forwardfor
  default_backend app
backend app
  http-reuse always
  server app 127.0.0.1:${backendPort}
`,
  );
}

async function startHaproxy(
  folder: string,
  name: string,
  configuration: (port: number) => string,
): Promise<StartedProgram & { readonly port: number }> {
  const port = await freePort();
  const file = join(folder, `${name}.cfg`);
  writeFileSync(file, configuration(port));
  const started = startProgram("haproxy", ["-db", "-f", file]);
  await accepting(port);
  return { ...started, port };
}
