import { withoutFullStop } from "../../core/text/plain-text.ts";
import type { CheckResult, MachineCheck } from "../../core/plan/checklist.ts";
import { faultOf } from "../../core/fault.ts";
import { type ToBeReleased, wasRehearsed } from "../../core/rehearsal/evidence.ts";
import type { Rehearsal } from "../../core/rehearsal/rehearsal.ts";
import { type Duration, formatDuration, SECOND } from "../../core/time/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Checker, CommandRunner } from "../../ports/tasks.ts";
import { checkCertificate } from "./certificate.ts";
import { checkCommand } from "./command.ts";
import { checkDisk } from "./disk.ts";
import { checkDns } from "./dns.ts";
import { checkFile } from "./file.ts";
import { checkHttp } from "./http.ts";

export type CheckOf<K extends MachineCheck["kind"]> = Extract<MachineCheck, { readonly kind: K }>;

export interface CheckSettings {
  /** The plan file's folder: relative paths begin there. */
  readonly directory: string;
  readonly commands: CommandRunner;
  readonly clock: Clock;
  readonly redact: (text: string) => string;
  /** Those of the app, the newest first. */
  readonly rehearsals: () => readonly Rehearsal[];
  /** Values for `${UPPER}` in addresses. */
  readonly values: () => Readonly<Record<string, string>>;
  /** PEM of the authorities to trust instead of the machine's own. */
  readonly authority?: string;
  /** `address:port` of name servers to ask instead of the machine's own way. */
  readonly nameServers?: readonly string[];
  /** For checks that name no time-out of their own. */
  readonly timeoutMs?: Duration;
}

/** All kinds of machine checks. A check that fails in a way nobody thought of has not passed either. */
export function createChecker(settings: CheckSettings): Checker {
  return {
    async check(check, signal, of) {
      const own = "timeoutMs" in check ? null : (settings.timeoutMs ?? 10 * SECOND);
      const over = new AbortController();
      const bounded = AbortSignal.any([signal, over.signal]);
      try {
        const result = ask(check, bounded, settings, of);
        const found = own === null ? await result : await Promise.race([result, lateness(own, over, settings.clock)]);
        return { passed: found.passed, detail: settings.redact(found.detail) };
      } catch (error) {
        const fault = faultOf(error, "check-failed", "The check could not be made");
        const why = fault.cause === undefined ? fault.what : `${withoutFullStop(fault.what)}: ${fault.cause}`;
        return { passed: false, detail: settings.redact(why) };
      } finally {
        over.abort();
      }
    },
  };
}

async function ask(
  check: MachineCheck,
  signal: AbortSignal,
  settings: CheckSettings,
  of: ToBeReleased,
): Promise<CheckResult> {
  switch (check.kind) {
    case "http":
      return checkHttp(check, signal, settings);
    case "command":
      return checkCommand(check, signal, settings);
    case "file":
      return checkFile(check, signal, settings);
    case "certificate":
      return checkCertificate(check, signal, settings);
    case "disk":
      return checkDisk(check, signal, settings);
    case "dns":
      return checkDns(check, signal, settings);
    case "rehearsed":
      return wasRehearsed(settings.rehearsals(), of, check.withinMs, settings.clock.wall());
  }
}

/** A check that hangs (a network disk, a name server) is told after its time; never resolves once the check is over. */
async function lateness(timeoutMs: Duration, over: AbortController, clock: Clock): Promise<CheckResult> {
  try {
    await clock.sleep(timeoutMs, over.signal);
  } catch {
    return new Promise(() => undefined);
  }
  return { passed: false, detail: `no result within ${formatDuration(timeoutMs)}` };
}
