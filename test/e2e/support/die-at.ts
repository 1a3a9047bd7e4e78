/**
 * Loaded into the engine with `--import`: kills the process with SIGKILL around the very commit of the journal that is
 * named in DIE_AT: `after effect-requested share`, `before effect-confirmed start`, `after planned`. `before`: it was
 * done, and nobody wrote that down. Tidegate itself knows nothing of this.
 */
import { DatabaseSync, StatementSync } from "node:sqlite";

const [when, type, name] = (process.env["DIE_AT"] ?? "").split(" ");

if (when === "before" || when === "after") {
  let isDue = false;
  StatementSync.prototype.run = new Proxy(Reflect.get(StatementSync.prototype, "run"), {
    apply: (run, statement, values: unknown[]) => {
      const texts = values.filter((value): value is string => typeof value === "string");
      const body = texts.find((text) => text.startsWith("{") && text.includes(`"type":"${type}"`));
      if (body !== undefined && (name === undefined || isOf(body))) isDue = true;
      return Reflect.apply(run, statement, values) as unknown;
    },
  });
  DatabaseSync.prototype.exec = new Proxy(Reflect.get(DatabaseSync.prototype, "exec"), {
    apply: (exec, database, [sql]: [string]) => {
      const isTheCommit = sql === "COMMIT" && isDue;
      if (isTheCommit && when === "before") die();
      Reflect.apply(exec, database, [sql]);
      if (isTheCommit) die();
    },
  });
}

/** An effect is told by the last part of its key, a step by its id without the number. */
function isOf(body: string): boolean {
  const event = JSON.parse(body) as { readonly key?: string; readonly step?: string };
  return event.key?.split("/").at(-1) === name || event.step?.replace(/^\d+-/, "") === name;
}

function die(): never {
  process.kill(process.pid, "SIGKILL");
  throw new Error("It should be dead.");
}
