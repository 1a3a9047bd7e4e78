import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { crowd, type Crowd, type Page } from "./crowd.ts";
import { type PublishedPlace, publishedPlace } from "./published-place.ts";

/** The plan of examples/node-red for a small server from a tarball, so that it needs no network. */
const PLAN = `app: look-alike
services:
  web:
    prepare: npm install --prefix \${dir} --offline --no-audit --no-fund $PWD/packages/look-alike-\${version}.tgz
    files: [user]
    run: exec node_modules/.bin/look-alike --userDir user --port \${port}
    health: { live: /settings, ready: /ready, every: 500ms, timeout: 2s, rise: 1 }
    drain: 5s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards:
  errors: { rollback: "> 1%", window: 5s, minRequests: 5 }
  p95: off
steps:
  - start
  - smoke: smoke.yaml
  - warm: [/, /big.js]
  - shift: 5%
    for: 4s
  - shift: 25%
    for: 4s
  - shift: 100%
    for: 4s
  - retire
`;

const SMOKE = `the version that was asked for:
  - get: /settings
    json: { $.version: "{{version}}" }
the greeting:
  - get: /greeting/Ada
    json: { $.hello: Ada }
`;

/** The server's own settings file, which \`files\` copies into each version's folder. */
export const SETTINGS = 'module.exports = {\n  greeting: "hello",\n  readyAfterMs: 300,\n};\n';

const PAGES: readonly Page[] = [
  page("/greeting/Ada", (body) => body === '{"hello":"Ada"}'),
  { ...page("/settings", (body) => body.includes("version")), version: versionIn },
  { ...page("/greeting", (body) => body === '{"hello":"Joan"}'), method: "POST", send: '{"name":"Joan"}' },
  page("/", (body) => body === "<title>Look-alike</title>"),
  // About 1 MB: it is still under way when others have long had their answers.
  page("/big.js", (body) => body.length > 1_000_000 && body.endsWith("// the end\n")),
];

const SERVER = fileURLToPath(new URL("../../fixtures/published-server", import.meta.url));

/** A place where a small published server is released; `versions` lie there as npm's tarballs. */
export async function lookAlikePlace(versions: readonly string[]): Promise<PublishedPlace> {
  await using made = temporaryFolder();
  mkdirSync(made.file("place", "packages"), { recursive: true });
  mkdirSync(made.file("place", "user"));
  writeFileSync(made.file("place", "user", "settings.js"), SETTINGS);
  writeFileSync(made.file("place", "smoke.yaml"), SMOKE);
  for (const version of versions) {
    const folder = made.file(version);
    unpack(version, folder);
    execFileSync("tar", ["-czf", made.file("place", "packages", `look-alike-${version}.tgz`), "-C", folder, "package"]);
  }
  const place = await publishedPlace(made.file("place"));
  place.write("tidegate.yaml", PLAN.replace("${PORT_OF_FRONT_DOOR}", String(place.port)));
  return place;
}

/** The server itself, as its tarball holds it: `FOLDER/package/server.js`. */
export function unpack(version: string, folder: string): void {
  cpSync(SERVER, `${folder}/package`, { recursive: true });
  const description = JSON.parse(readFileSync(`${folder}/package/package.json`, "utf8")) as object;
  writeFileSync(`${folder}/package/package.json`, JSON.stringify({ ...description, version }));
}

/** Browsers, scripts and WebSockets that ask for all that it has. */
export function visitLookAlike(port: number): Crowd {
  const sockets = { path: "/comms", count: 3, hello: "here" };
  return crowd({ port, pages: PAGES, browsers: 3, scripts: 9, pauseMs: 20, sockets });
}

function page(path: string, isRight: (body: string) => boolean): Page {
  return {
    path,
    wrong: (status, body) => (status === 200 && isRight(body) ? null : `${status} ${body.slice(0, 100)}`),
  };
}

function versionIn(body: string): string {
  return (JSON.parse(body) as { readonly version: string }).version;
}
