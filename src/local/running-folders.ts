import { readFileSync } from "node:fs";
import { listProcesses } from "./process-table.ts";

/**
 * State folders of this machine (of this user) for which a keeper or a proxy runs, by their command lines: found with no
 * plan file and nobody answering. Empty where the system doesn't tell (not Linux).
 */
export function runningStateFolders(): readonly string[] {
  const found = listProcesses().flatMap(({ pid }) => stateOf(argumentsOf(pid)));
  return [...new Set(found)].sort();
}

function stateOf(words: readonly string[]): readonly string[] {
  const at = words.indexOf("--state");
  const isOurs = at > 0 && words.slice(0, at).some((word) => word === "keeper" || word === "proxy");
  const folder = words[at + 1];
  return isOurs && folder?.startsWith("/") === true ? [folder] : [];
}

function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}
