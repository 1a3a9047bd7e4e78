/**
 * Loaded into the engine with `--import`: kills the process with SIGKILL before and after each commit of the journal, each
 * place once. Before: what the event tells was done, and nobody wrote it down. After: it was written down, and not done yet.
 * Where it has died already is remembered in the file DEATHS, a place a line. DIE_EVERY=3 leaves two of three places out.
 * Tidegate itself knows nothing of this.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { DatabaseSync, StatementSync } from "node:sqlite";

/** Written at every start of an engine: it would never get beyond them. */
const OF_EVERY_START = new Set(["engine-took-over", "watch-checkpoint"]);

const file = process.env["DEATHS"];
const every = Number(process.env["DIE_EVERY"] ?? "1");

if (file !== undefined) dieEverywhere(file);

function dieEverywhere(deaths: string): void {
  const died = new Set(existsSync(deaths) ? readFileSync(deaths, "utf8").split("\n") : []);
  let events: string[] = [];
  StatementSync.prototype.run = new Proxy(Reflect.get(StatementSync.prototype, "run"), {
    apply: (run, statement, values: unknown[]) => {
      const body = values.find((value) => typeof value === "string" && value.startsWith('{"type":"'));
      if (typeof body === "string") events.push(nameOf(body));
      return Reflect.apply(run, statement, values) as unknown;
    },
  });
  const dieOnce = (place: string): void => {
    if (died.has(place) || (every > 1 && numberOf(place) % every !== 0)) return;
    const file = openSync(deaths, "a");
    writeSync(file, `${place}\n`);
    fsyncSync(file);
    closeSync(file);
    process.kill(process.pid, "SIGKILL");
    throw new Error("It should be dead.");
  };
  DatabaseSync.prototype.exec = new Proxy(Reflect.get(DatabaseSync.prototype, "exec"), {
    apply: (exec, database, [sql]: [string]) => {
      const commits = sql === "COMMIT" ? events.filter((name) => !OF_EVERY_START.has(name.split(" ")[0] ?? "")) : [];
      events = [];
      for (const name of commits) dieOnce(`before ${name}`);
      Reflect.apply(exec, database, [sql]);
      for (const name of commits) dieOnce(`after ${name}`);
    },
  });
}

/** What happened to what: `effect-confirmed 2/03-smoke/1/front-door`, `step-passed shift-5`. */
function nameOf(body: string): string {
  const { type, ...event } = JSON.parse(body) as Readonly<Record<string, unknown>>;
  const what = event["key"] ?? event["step"] ?? event["release"] ?? "";
  return `${String(type)} ${typeof what === "string" || typeof what === "number" ? what : ""}`.trim();
}

/** The same for a place in every run, and spread evenly. */
function numberOf(place: string): number {
  let number = 0;
  for (const character of place.replaceAll(/\d+\//g, "")) number = (number * 31 + character.charCodeAt(0)) >>> 0;
  return number >>> 3;
}
