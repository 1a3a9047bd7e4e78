import { faultOf } from "../../core/fault.ts";
import type { SmokeCommand, SmokeTcp } from "../../core/smoke/smoke.ts";
import { formatDuration } from "../../core/time/time.ts";
import { tryTcp } from "../../local/tcp-connection.ts";
import type { CommandRunner } from "../../ports/tasks.ts";
import type { Story } from "./story.ts";

/** Whether a port takes connections: the one that is named, or the version's own. */
export async function askTcp(request: SmokeTcp, story: Story, signal: AbortSignal): Promise<string | null> {
  const own = new URL(story.baseUrl ?? "");
  const address = story.fill(
    request.address ?? `${own.hostname}:${own.port || (own.protocol === "https:" ? "443" : "80")}`,
  );
  if (!address.ok) return address.why;
  const { accepted, what } = await tryTcp(address.text, request.timeoutMs, signal);
  return accepted ? null : what;
}

/**
 * Runs the user's shell line. Variables reach it in its environment only: what an app answered must not become a part
 * of a command.
 */
export async function askCommand(
  request: SmokeCommand,
  story: Story,
  signal: AbortSignal,
  commands: CommandRunner,
): Promise<string | null> {
  const { target, variables } = story;
  const env = {
    // The shell knows no names with a dash.
    ...Object.fromEntries(Object.entries(variables).map(([name, value]) => [name.replaceAll("-", "_"), value])),
    TIDEGATE_URL: story.baseUrl ?? "",
    TIDEGATE_VERSION: target.version,
    /** `name: value`, a line each; through the front door they pin the version. */
    TIDEGATE_HEADERS: Object.entries(target.headers)
      .map(([name, value]) => `${name}: ${value}`)
      .join("\n"),
  };
  try {
    const {
      code,
      signal: killedBy,
      timedOut,
      output,
    } = await commands.run(request.command, {
      env,
      timeoutMs: request.timeoutMs,
      signal,
    });
    if (code === 0 && !timedOut) return null;
    const last = output.findLast((line) => line.trim() !== "");
    const end = timedOut
      ? `the command did not end within ${formatDuration(request.timeoutMs)}`
      : code === null
        ? `the command was ended by ${killedBy ?? "a signal"}`
        : `the command ended with code ${code}`;
    return last === undefined ? end : `${end}: ${last.trim()}`;
  } catch (error) {
    const fault = faultOf(error, "command-not-started", "The command could not be run");
    return fault.cause === undefined ? fault.what : `${fault.what} ${fault.cause}`;
  }
}
