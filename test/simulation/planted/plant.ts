import { registerHooks } from "node:module";
import { existsSync, readFileSync } from "node:fs";
import type { PlantedFault } from "./fault.ts";

const ROOT = new URL("../../../", import.meta.url);

/**
 * Puts the fault into the program before it is loaded in this process. Answers what says, once everything is loaded,
 * whether it really is in it. Throws for one that does not apply any more: a hunt for nothing would find nothing.
 */
export function plant(fault: PlantedFault): { mustBeIn(): void } {
  const { name, file, instead, put } = fault;
  const problem = whyNotPlantable(fault);
  if (problem !== null) throw new Error(problem);
  const url = new URL(file, ROOT);
  let isIn = false;
  registerHooks({
    load(loaded, context, next) {
      const module = next(loaded, context);
      if (loaded !== url.href) return module;
      isIn = true;
      const source = typeof module.source === "string" ? module.source : new TextDecoder().decode(module.source);
      return { ...module, source: source.replace(instead, () => put) };
    },
  });
  return {
    mustBeIn: () => {
      if (!isIn) throw new Error(`The planted fault "${name}" is in ${file}, which the simulation does not load.`);
    },
  };
}

/** Why the fault can't be put in any more, in a sentence; null: it can. */
export function whyNotPlantable({ name, file, instead }: PlantedFault): string | null {
  const url = new URL(file, ROOT);
  if (!existsSync(url)) return `The planted fault "${name}" is for ${file}, which is not there.`;
  const times = readFileSync(url, "utf8").split(instead).length - 1;
  return times === 1 ? null : `The planted fault "${name}" replaces what occurs ${times} times in ${file}: ${instead}`;
}
