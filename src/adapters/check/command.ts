import type { CheckResult } from "../../core/plan/checklist.ts";
import { formatDuration } from "../../core/time/time.ts";
import type { CheckOf, CheckSettings } from "./checker.ts";

/** The user's shell line ends with 0. */
export async function checkCommand(
  { command, timeoutMs }: CheckOf<"command">,
  signal: AbortSignal,
  { commands }: CheckSettings,
): Promise<CheckResult> {
  const result = await commands.run(command, { env: {}, timeoutMs, signal });
  const said = result.output.findLast((line) => line.trim() !== "")?.trim();
  const tail = said === undefined ? "" : `: ${said}`;
  if (result.timedOut)
    return { passed: false, detail: `the command did not end within ${formatDuration(timeoutMs)}${tail}` };
  if (result.code === 0)
    return { passed: true, detail: `the command ended with code 0 in ${formatDuration(result.tookMs)}${tail}` };
  const end = result.code === null ? `was ended by ${result.signal ?? "a stop"}` : `ended with code ${result.code}`;
  return { passed: false, detail: `the command ${end}${tail}` };
}
