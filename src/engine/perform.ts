import type { Effect, Observed } from "../core/release/effect.ts";
import type { EventOf } from "../core/release/event.ts";
import type { Release } from "../core/release/release.ts";
import type { EngineOptions, Ports } from "./api.ts";
import { makeBackup, migrate, migrateBack } from "./perform-database.ts";
import { prepareVersion, pruneVersions, startServices, stopServices } from "./perform-instances.ts";
import { checkItem, gatherEvidence, notifyPeople, runCommand, runSmoke, warmUp } from "./perform-tasks.ts";
import { setShare, settle } from "./perform-traffic.ts";
import type { World } from "./world.ts";

/** What an effect is performed with. `release` is the state at the time of asking. */
export interface Stage {
  readonly ports: Ports;
  readonly options: EngineOptions;
  readonly world: World;
  readonly epoch: number;
  readonly release: Release;
  readonly signal: AbortSignal;
  /** What it waits for or has come to just now, for people who look; null: nothing that they need to know. */
  readonly tell: (sentence: string | null) => void;
  /** Has the journal know of something before it is done. Faults: the journal's, and that it must not be done any more. */
  readonly note: (event: EventOf<"contract-started">) => Promise<void>;
}

/**
 * Carries one effect out and reads back what came of it. Throws FaultError; repeating a confirmed one changes nothing.
 */
export function perform(stage: Stage, effect: Effect): Promise<Observed> {
  switch (effect.kind) {
    case "prepare":
      return prepareVersion(stage, effect.version);
    case "start":
      return startServices(stage, effect);
    case "stop":
      return stopServices(stage, effect);
    case "share":
      return setShare(stage, effect);
    case "settle":
      return settle(stage, effect.on);
    case "smoke":
      return runSmoke(stage, effect.flows, effect.through);
    case "warm":
      return warmUp(stage, effect);
    case "machine-check":
      return checkItem(stage, effect.item, effect.check);
    case "command":
      return runCommand(stage, effect.command, effect.timeoutMs, effect.purpose);
    case "notify":
      return notifyPeople(stage, effect);
    case "backup":
      return makeBackup(stage, effect);
    case "migrate":
      return migrate(stage, effect);
    case "migrate-back":
      return migrateBack(stage, effect);
    case "gather-evidence":
      return gatherEvidence(stage);
    case "prune-versions":
      return pruneVersions(stage, effect.keep);
  }
}
