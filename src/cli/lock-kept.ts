import { type LockHolder, lockHolder } from "../local/lock-holder.ts";
import type { Context } from "./context.ts";
import type { Session } from "./session.ts";

/** How long an engine that ends may take between its last answer and giving up the right to act. */
const LEAVES_MS = 5_000;

/** Who keeps the right to act and does not answer; `leaving`: it may be about to end; null: nobody, or whoever acts answers. */
export type Keeps = () => LockHolder | "leaving" | null;

/** Asked again and again while a release is followed. */
export function lockKept(context: Context, session: Session): Keeps {
  let silentSince: number | null = null;
  return () => {
    if (session.actor() !== null) {
      silentSince = null;
      return null;
    }
    silentSince ??= performance.now();
    const holder = holderOf(context);
    if (holder === null || holder.isStopped) return holder;
    return performance.now() - silentSince < LEAVES_MS ? "leaving" : holder;
  };
}

/** Which other process has the right to act; null: none. */
export function holderOf(context: Context): LockHolder | null {
  const holder = lockHolder(context.project().state.file("actor.lock"));
  return holder?.pid === process.pid ? null : holder;
}

/** Who acts on a release whose engine does not answer, and what a person can do about it. */
export function holderLine(holder: LockHolder | null, id: number): string {
  if (holder === null)
    return `Nobody acts on this release now: tidegate attach ${id} goes on with it, tidegate serve with all.`;
  const { pid, command, isStopped } = holder;
  return isStopped
    ? `Process ${pid} (${command}) acts on this release and is stopped: kill -CONT ${pid} lets it go on; or kill -9 ${pid}, then tidegate attach ${id}.`
    : `Process ${pid} (${command}) acts on this release and does not answer: kill -9 ${pid} ends it, then tidegate attach ${id}.`;
}
