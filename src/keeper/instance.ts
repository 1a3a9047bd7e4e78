import { statSync } from "node:fs";
import { FaultError } from "../core/fault.ts";
import { redactor } from "../core/text/redact.ts";
import { fillReferences, referencesIn } from "../core/text/references.ts";
import type { Usage } from "../core/observation.ts";
import { environmentOf } from "../local/process-table.ts";
import type { Backoff } from "./backoff.ts";
import { lastLines } from "../local/log-file.ts";
import type { InstanceSpec, InstanceState, Liveness, PublicInstanceSpec } from "./protocol.ts";
import { type KeeperRecord, type Life, UNBORN } from "./record.ts";
import { shellCommand } from "../local/shell-command.ts";
import { SupervisedProcess } from "./supervised-process.ts";

/** A shell line of the user's that the keeper looks after. */
export interface Instance {
  readonly id: string;
  readonly process: SupervisedProcess;
  readonly liveness: Liveness | undefined;
  /** Null while they are not known. */
  readonly secrets: Readonly<Record<string, string>> | null;
  state(usage: Usage | undefined): InstanceState;
  record(): KeeperRecord["instances"][number];
  /** The last lines of its log, its secrets hidden. */
  log(count: number): Promise<readonly string[]>;
}

/** What the keeper gives each of its programs. */
export interface Surroundings {
  readonly backoff: Backoff;
  readonly logFile: (name: string) => string;
  /** Resolves when the keeper's record is on disk. */
  readonly save: () => Promise<void>;
  readonly note: (text: string) => void;
}

/** An instance that is not started yet. Faults: instance-not-started, when its folder is missing. */
export function newInstance(spec: InstanceSpec, surroundings: Surroundings): Instance {
  if (statSync(spec.directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new FaultError({
      code: "instance-not-started",
      what: `The folder in which ${spec.id} should run does not exist.`,
      where: spec.directory,
      fix: "does the version's tree hold the service's `directory`, or does its build make it?",
    });
  }
  const { secretEnv, ...open } = spec;
  return instance(open, Object.keys(secretEnv ?? {}), secretEnv ?? {}, UNBORN, surroundings);
}

/**
 * An instance that a keeper before this one recorded. `secrets`: as that one has told them; null: it could not, and they
 * are read back when the instance is adopted.
 */
export function recordedInstance(
  record: KeeperRecord["instances"][number],
  secrets: Readonly<Record<string, string>> | null,
  surroundings: Surroundings,
): Instance {
  return instance(record.spec, record.secretNames, secrets, record.life, surroundings);
}

function instance(
  spec: PublicInstanceSpec,
  secretNames: readonly string[],
  secrets: Readonly<Record<string, string>> | null,
  life: Life,
  { backoff, logFile, save, note }: Surroundings,
): Instance {
  let known = secretNames.length === 0 ? {} : secrets;
  const path = logFile(spec.id);
  const process = new SupervisedProcess(
    {
      name: spec.id,
      file: "/bin/sh",
      args: ["-c", shellCommand(spec.command)],
      directory: spec.directory,
      logFile: path,
      restart: spec.restart,
      backoff,
      environment(pid) {
        if (known === null && pid !== undefined) known = pick(environmentOf(pid), secretNames);
        if (known === null && pid === undefined) {
          known = pick(filledIn(spec.secretTexts ?? {}), secretNames);
          if (known !== null) note(`${spec.id}: ${secretNames.join(", ")} filled in from the keeper's own environment`);
        }
        return known === null ? null : { ...spec.env, ...known };
      },
      onChange: save,
      note,
    },
    life,
  );
  return {
    id: spec.id,
    process,
    liveness: spec.liveness,
    get secrets() {
      return known;
    },
    state(usage) {
      const { run, restarts, lastExit } = process.life;
      return {
        spec,
        state: process.state,
        ...(process.identity === null ? {} : { pid: process.identity.pid }),
        ...(run === undefined ? {} : { startedAt: run.startedAt }),
        restarts,
        ...(lastExit === undefined ? {} : { lastExit }),
        ...(process.wasKilled ? { wasKilled: true as const } : {}),
        ...(usage === undefined ? {} : { usage }),
        logFile: path,
        needsSecrets: process.state === "exited" && process.life.wanted === "running" && known === null,
      };
    },
    record: () => ({ spec, secretNames, life: process.life }),
    async log(count) {
      await process.written();
      const hide = redactor(Object.values(known ?? {}));
      return (await lastLines(path, count)).map((line) => hide.text(line));
    },
  };
}

/** The texts whose every name is in this process's environment, filled in from there. */
function filledIn(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const values = process.env as Readonly<Record<string, string>>;
  return Object.fromEntries(
    Object.entries(texts).flatMap(([name, text]) =>
      referencesIn(text).every((reference) => values[reference.name] !== undefined)
        ? [[name, fillReferences(text, values)]]
        : [],
    ),
  );
}

/** The named values, or null when one is missing. */
function pick(from: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> | null {
  const found = names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]] as const]));
  return found.length === names.length ? Object.fromEntries(found) : null;
}
