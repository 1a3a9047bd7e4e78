import type { Status } from "../../core/status/status.ts";

/** Something that a person can do now. */
export interface Advice {
  readonly command: string;
  readonly does: string;
}

/** What the reader can do next, the likeliest first; empty when nothing is asked of anybody. */
export function adviceOf(status: Status, openItems: readonly string[] = []): readonly Advice[] {
  const { release: id } = status;
  const rollback = { command: `tidegate rollback ${id}`, does: status.rollbackWould ?? "" };
  if (status.state === "failed")
    return [{ command: `tidegate retry ${id}`, does: "tries again, once what is wrong is mended" }];
  if (status.paused !== null) return [{ command: `tidegate resume ${id}`, does: "goes on" }, rollback];
  if (status.hold?.needsPerson !== true || status.rollback !== null) return [];
  const step = status.steps.find(({ id: step }) => step === status.current?.step);
  if (step?.kind === "approve")
    return [{ command: "tidegate approve", does: `approves "${step.name}" for ${status.candidate.label}` }, rollback];
  if (step?.kind === "check" && step.state !== "failed")
    return [
      ...openItems.map((item) => ({ command: `tidegate approve --item ${item}`, does: "ticks it" })),
      ...(openItems.length === 0 ? [{ command: "tidegate approve --item ID", does: "ticks an item" }] : []),
      rollback,
    ];
  const again = { command: `tidegate retry ${id}`, does: `tries "${step?.name ?? "it"}" again` };
  const past =
    step === undefined || step.kind === "start" || (step.kind === "shift" && step.state === "failed")
      ? []
      : [{ command: `tidegate promote ${id}`, does: "goes on without waiting for it" }];
  // What goes on by itself is only hastened, or given up.
  return [...(status.hold.endsByItself ? [] : [again]), ...past, rollback];
}
