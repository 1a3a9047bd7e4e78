import type { Fault } from "../core/fault.ts";
import type { Status } from "../core/status/status.ts";

/** With which the program ends; scripts read them. */
export type ExitCode = 0 | 2 | 3 | 10 | 11 | 12 | 130;

export const DONE = 0;
/** Bad usage or configuration. */
export const USAGE = 2;
/** Refused by a gate or preflight: nothing was changed. */
export const REFUSED = 3;
export const ROLLED_BACK = 10;
export const WAITS_FOR_PERSON = 11;
/** Failed, needs a person. */
export const FAILED = 12;
export const STOPPED_WATCHING = 130;

export const EXIT_CODES: readonly { readonly code: ExitCode; readonly means: string }[] = [
  { code: DONE, means: "done as asked" },
  { code: USAGE, means: "bad usage or configuration" },
  { code: REFUSED, means: "refused by a gate or preflight; nothing was changed" },
  { code: ROLLED_BACK, means: "rolled back" },
  { code: WAITS_FOR_PERSON, means: "waiting for a person" },
  { code: FAILED, means: "failed, needs a person" },
  { code: STOPPED_WATCHING, means: "stopped watching, or Ctrl-C at a question (nothing was changed)" },
];

/** What a release's end, or where it waits, means to a script. */
export function exitCodeOf(status: Status): ExitCode {
  switch (status.state) {
    case "closed":
      return DONE;
    case "live":
      // It serves, and what was to come after that has failed.
      return status.hold?.needsPerson === true && status.steps.some(({ state }) => state === "failed") ? FAILED : DONE;
    case "rolled-back":
      return ROLLED_BACK;
    case "failed":
      return FAILED;
    case "planned":
    case "running":
    case "rolling-back":
      return status.hold?.needsPerson === true || status.paused !== null ? WAITS_FOR_PERSON : DONE;
  }
}

/** What the user wrote was wrong: a word, a file, a name that does not exist. */
const USAGE_CODES = new Set([
  "usage",
  "not-built",
  "release-unknown",
  "step-unknown",
  "item-unknown",
  "unknown-version",
  "reason-missing",
  "recording-unreadable",
  "backup-unknown",
  "database-missing",
  "migrations-missing",
  "queries-missing",
  "queries-unreadable",
  "migration-name-invalid",
  "migration-not-applied",
  "migration-version-twice",
  "migration-not-utf8",
]);
/** The world was not as it must be, and nothing was changed. */
const REFUSED_CODES = new Set([
  "port-taken",
  "release-hindered",
  "confirmation-missing",
  "not-confirmed",
  "nobody-acts",
  "nobody-serves",
  "another-acts",
  "release-running",
  "socket-in-use",
  "runtime-in-use",
  "state-not-writable",
  "folder-not-writable",
  "nothing-to-put-back",
  "state-not-readable",
  "state-not-a-folder",
  "state-not-ours",
  "state-spoilt",
  "state-foreign",
  "proxy-still-leaving",
  "backup-age-missing",
  "backup-folder-not-writable",
  "backup-identity-missing",
  "backup-server-newer",
  "backup-tools-missing",
  "database-damaged",
  "database-locked",
  "database-pooled",
  "database-read-only",
  "database-refused",
  "database-unreachable",
  "drill-not-possible",
  "migration-assertion-lost",
  "migration-copy-from-stdin",
  "migration-edited",
  "migration-endless",
  "migration-half-reversed",
  "migration-header-misspelt",
  "migration-irreversible",
  "migration-lint",
  "migration-locked",
  "migration-loses-data",
  "migration-missing",
  "migration-never-runs",
  "migration-out-of-order",
  "migration-own-transaction",
  "migration-phase-missing",
  "migration-psql-command",
  "migration-unnamed-index",
  "migration-unreadable",
  "rehearsal-database-unclear",
  "rehearsal-not-possible",
  "restore-refused",
  "version-serves-already",
]);

export function exitCodeOfFault({ code }: Fault): ExitCode {
  if (code === "interrupted") return STOPPED_WATCHING;
  if (USAGE_CODES.has(code) || code.startsWith("plan-file") || code.startsWith("plan-key")) return USAGE;
  return REFUSED_CODES.has(code) ? REFUSED : FAILED;
}

/** Of what an engine or a check refused. */
export function exitCodeOfRefusal(fault: Fault): ExitCode {
  return USAGE_CODES.has(fault.code) ? USAGE : REFUSED;
}
