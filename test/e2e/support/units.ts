import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bootId } from "../../../src/local/process-identity.ts";
import type { App } from "./app.ts";

/** What `tidegate service install` writes, started as systemd would. */
export interface Units {
  readonly keeper: () => ChildProcess;
  readonly serve: () => ChildProcess;
}

interface UnitFile {
  readonly name: string;
  readonly text: string;
}

/** Asks for the units, with the values that the plan asks for; `output` gets what they say. */
export async function installedUnits(app: App, env: Readonly<Record<string, string>>, output: string): Promise<Units> {
  const { code, stdout, stderr } = await app.tidegate(["service", "install", "--user", "--dry-run", "--json"], { env });
  assert.equal(code, 0, stdout + stderr);
  const { units } = JSON.parse(stdout) as { readonly units: readonly UnitFile[] };
  const start = (part: string) => (): ChildProcess => {
    const unit = units.find(({ name }) => name.endsWith(`-${part}.service`));
    assert.ok(unit !== undefined, stdout);
    return startUnit(unit, app, output);
  };
  return { keeper: start("keeper"), serve: start("serve") };
}

/** Nothing but what the unit says: its words, its folder, its environment and its file of values. */
function startUnit({ text }: UnitFile, app: App, output: string): ChildProcess {
  const setting = (name: string): string => new RegExp(`^${name}=-?(.*)$`, "m").exec(text)?.[1] ?? "";
  const words = setting("ExecStart").split(" ");
  assert.ok(!setting("ExecStart").includes('"'), "the test reads no quotes");
  const log = openSync(output, "a");
  try {
    const child = spawn(words[0] ?? "", words.slice(1), {
      cwd: setting("WorkingDirectory"),
      detached: true,
      stdio: ["ignore", log, log],
      env: { HOME: app.file(".."), ...variable(setting("Environment")), ...variables(setting("EnvironmentFile")) },
    });
    child.once("error", (error) => assert.fail(error));
    return child;
  } finally {
    closeSync(log);
  }
}

function variables(file: string): Record<string, string> {
  if (!existsSync(file)) return {};
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  return Object.assign({}, ...lines.map(variable)) as Record<string, string>;
}

function variable(line: string): Record<string, string> {
  const at = line.indexOf("=");
  return { [line.slice(0, at)]: line.slice(at + 1) };
}

/** The machine goes down: every process of the app at once, and with the next boot no identity of a process is right. */
export async function pullThePlug(app: App, units: readonly ChildProcess[]): Promise<void> {
  const ends = units
    .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
    .map((unit) => once(unit, "exit"));
  for (let left = app.processes(); left.length > 0; left = app.processes()) {
    for (const { pid } of left) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended meanwhile.
      }
    }
  }
  await Promise.all(ends);
  for (const path of filesIn(app.state.path)) {
    const text = readFileSync(path, "latin1");
    if (text.includes(bootId()))
      writeFileSync(path, text.replaceAll(bootId(), "another-boot".padEnd(bootId().length)), "latin1");
  }
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:json|inflight)$/.test(entry.name))
    .map(({ name }) => join(folder, name));
}
