/** The entry of the one executable file that needs no Node (scripts/single.ts): Tidegate, and what it runs beside itself. */
import { createRequire } from "node:module";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { runInThisContext } from "node:vm";
import { OWN_PROGRAM, type OwnProgram } from "./local/own-program.ts";
import { start } from "./start.ts";

const [, , first, second, ...rest] = process.argv;

// The demo's shop is started as `node server.ts`.
if (basename(process.argv0) === "node") void runAsNode();
else if (first === OWN_PROGRAM) void runOwn(second as OwnProgram);
else void start();

/** As much of Node's own command line as the demo's shop and its checklist use: a file, or `-e CODE`. */
async function runAsNode(): Promise<void> {
  if (first === "-e") {
    const code = `(require) => { ${second ?? ""} }`;
    (runInThisContext(code) as (require: NodeJS.Require) => void)(createRequire(pathToFileURL(`${process.cwd()}/`)));
    return;
  }
  process.argv.splice(1, 1);
  await import(pathToFileURL(first ?? "").href);
}

async function runOwn(name: OwnProgram): Promise<void> {
  switch (name) {
    case "socket-relay":
      return (await import("./local/socket-relay.ts")).relaySockets(rest);
    case "load":
      return (await import("./demo/load.ts")).load(rest);
  }
}
