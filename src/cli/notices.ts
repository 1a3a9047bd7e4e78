import { FaultError } from "../core/fault.ts";
import type { Plan } from "../core/plan/plan.ts";
import { fullStop } from "../core/text/plain-text.ts";
import type { Notice } from "../ports/notice.ts";
import type { Context } from "./context.ts";

/** One of them as a sentence, its way out behind it. */
export function noticeSentence({ about, fix, ...notice }: Notice): string {
  return withFix(`${about}: ${fullStop(withPlace(notice))}`, fix);
}

/** A sentence and what mends it, which may begin with a command and so in small letters. */
export function withFix(sentence: string, fix: string | undefined): string {
  return fix === undefined ? sentence : `${sentence} Fix: ${fullStop(fix)}`;
}

/** The sentence with its place behind it. */
export function withPlace({ sentence, where }: Pick<Notice, "sentence" | "where">): string {
  return where === undefined || where === "" ? sentence : `${sentence} (${where})`;
}

/** Says before a release what is worth knowing, and refuses one that can't work. Faults: release-hindered. */
export async function tellNotices(context: Context, plan: Plan): Promise<void> {
  const order = { project: context.project(), plan, env: context.env, say: () => undefined, isFollowed: true };
  const outside = await context.machinery.outside(order);
  const all = await outside.notices();
  const [first, ...others] = all.filter(({ level }) => level === "bad");
  if (first !== undefined) {
    throw new FaultError({
      code: "release-hindered",
      what: fullStop(`${first.about}: ${first.sentence}`),
      ...(first.where === undefined || first.where === "" ? {} : { where: first.where }),
      ...(others.length === 0 ? {} : { detail: others.map(noticeSentence) }),
      ...(first.fix === undefined ? {} : { fix: first.fix }),
    });
  }
  if (context.json) return;
  for (const notice of all.filter(({ level }) => level === "warn")) context.terminal.complain(noticeSentence(notice));
}
