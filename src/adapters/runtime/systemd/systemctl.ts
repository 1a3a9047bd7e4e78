import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FaultError } from "../../../core/fault.ts";
import { withoutControls } from "../../../core/text/plain-text.ts";

/** The systemd that runs the instances: the system's own for root, else the user's. */
export interface Manager {
  readonly scope: "system" | "user";
  /** 252. */
  readonly version: number;
}

export interface SystemctlAnswer {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
  /** It was still waiting: what it asked for may be done later. */
  readonly isLate?: true;
}

export interface Systemctl {
  readonly scope: Manager["scope"];
  /** Faults: runtime-unreachable, where there is no systemctl. */
  manager(): Promise<Manager>;
  /** Runs it to its end, whatever that is. Faults: runtime-unreachable, systemd-denied. */
  run(...words: readonly string[]): Promise<SystemctlAnswer>;
  /** Properties of units by unit; one that systemd does not know has `LoadState=not-found`. */
  show(units: readonly string[], properties: readonly string[]): Promise<ReadonlyMap<string, UnitProperties>>;
  /** The journal's lines of what matches, oldest first; empty where it can't be read. */
  journal(matches: readonly string[], lines: number): Promise<readonly string[]>;
  /** What it says of the lines of a unit, of which nothing is started; empty where it can't be asked. */
  verify(unit: string): Promise<readonly Complaint[]>;
}

/** About a line of a unit, from 1. */
export interface Complaint {
  readonly line: number;
  readonly said: string;
}

export type UnitProperties = Readonly<Record<string, string>>;

type Environment = Readonly<Record<string, string | undefined>>;

const ANSWERS_WITHIN_MS = 30_000;
const OUTPUT_LIMIT = 16 * 1024 * 1024;

/** `uid`: who asks; root's services are the system's. */
export function systemctl(env: Environment, uid = process.getuid?.() ?? 0): Systemctl {
  const scope = uid === 0 ? "system" : "user";
  const own = {
    ...env,
    // A service of the system's that runs as this user, as of `service install --system`, is not told where its bus is.
    ...(scope === "user" && !env["XDG_RUNTIME_DIR"] ? { XDG_RUNTIME_DIR: `/run/user/${uid}` } : {}),
    LC_ALL: "C",
    SYSTEMD_COLORS: "0",
    SYSTEMD_PAGER: "",
  };
  const call = (program: string, words: readonly string[]): Promise<SystemctlAnswer> =>
    new Promise((resolve, reject) => {
      const options = { env: own, timeout: ANSWERS_WITHIN_MS, maxBuffer: OUTPUT_LIMIT };
      execFile(program, [...words], options, (error, output, errors) => {
        if ((error as NodeJS.ErrnoException | null)?.code === "ENOENT") return reject(absent(program));
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
        resolve({ code, output, errors, ...(error?.killed === true ? { isLate: true as const } : {}) });
      });
    });
  const run = async (...words: readonly string[]): Promise<SystemctlAnswer> => {
    const answer = await call("systemctl", [`--${scope}`, "--no-ask-password", "--no-pager", ...words]);
    if (answer.code !== 0) refuse(answer.errors, scope);
    return answer;
  };
  let known: Promise<Manager> | undefined;
  return {
    scope,
    manager: () =>
      (known ??= call("systemctl", ["--version"]).then(({ output }) => ({
        scope,
        version: Number(/systemd (\d+)/.exec(output)?.[1] ?? 0),
      }))),
    run,
    async show(units, properties) {
      if (units.length === 0) return new Map();
      const answer = await run("show", `--property=${["Id", ...properties].join(",")}`, "--", ...units);
      if (answer.code !== 0) throw unreachable("systemd does not answer.", answer.errors);
      const blocks = answer.output.split(/\n\n+/).map(propertiesOf);
      return new Map(blocks.flatMap((block) => (block["Id"] === undefined ? [] : [[block["Id"], block]])));
    },
    async journal(matches, lines) {
      if (lines === 0) return [];
      const words = ["--quiet", "--no-pager", "--output=cat", `--lines=${lines}`, ...matches];
      const answer = await call("journalctl", scope === "user" ? ["--user", ...words] : words).catch(() => null);
      if (answer === null || answer.output === "") return [];
      return answer.output.replace(/\n$/, "").split("\n").slice(-lines);
    },
    async verify(unit) {
      const folder = await mkdtemp(join(tmpdir(), "tidegate-unit-"));
      try {
        // A template's, so that `%i` means something.
        const file = join(folder, "tidegate@.service");
        await writeFile(file, unit);
        const { errors } = await call("systemd-analyze", ["verify", file]).catch(() => ({ errors: "" }));
        return [...errors.matchAll(/tidegate@\.service:(\d+): (.+)$/gm)].map(([, line, said = ""]) => ({
          line: Number(line),
          said,
        }));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

function propertiesOf(block: string): UnitProperties {
  return Object.fromEntries(
    block.split("\n").flatMap((line) => {
      const at = line.indexOf("=");
      return at === -1 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
    }),
  );
}

/** Throws where the answer says that systemd can't be asked at all, or not by this user. */
function refuse(errors: string, scope: Manager["scope"]): void {
  if (/not been booted with systemd|Failed to connect to bus|Failed to get D-Bus connection/i.test(errors)) {
    throw scope === "system"
      ? unreachable("systemd does not run on this machine, so it can't run the service.", errors, NO_SYSTEMD)
      : unreachable("This user has no systemd of their own running.", errors, NO_USER_MANAGER);
  }
  if (/Access denied|authentication (?:is )?required|Permission denied|not permitted/i.test(errors)) {
    throw new FaultError({
      code: "systemd-denied",
      what: "systemd does not let this user change its units.",
      cause: firstLine(errors),
      fix: "release as root, for the system's services, or as an ordinary user, for that user's own",
    });
  }
}

export const NO_SYSTEMD = "is this a container? then take `systemd` out of the service, and Tidegate's keeper runs it";
export const NO_USER_MANAGER =
  "loginctl enable-linger   # as that user, once: then it runs from boot on\nor release as root, for the system's services";

function absent(program: string): FaultError {
  return unreachable(`There is no ${program} on this machine, so systemd can't run the service.`, "", NO_SYSTEMD);
}

function unreachable(what: string, errors: string, fix = "systemctl status ; tidegate doctor"): FaultError {
  const cause = firstLine(errors);
  return new FaultError({ code: "runtime-unreachable", what, ...(cause === "" ? {} : { cause }), fix });
}

export function firstLine(text: string): string {
  return withoutControls(text.trim().split("\n")[0] ?? "");
}
