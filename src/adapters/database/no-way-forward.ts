import { FaultError } from "../../core/fault.ts";

export function noWayForward(file: string): FaultError {
  return new FaultError({
    code: "migration-unreadable",
    what: "It has no way forward: nothing stands under `-- migrate:up`.",
    where: file,
    fix: "write `-- migrate:up` before what it does, and `-- migrate:down` before its way back",
  });
}
