import { FaultError } from "../../../core/fault.ts";

/** The runtime socket lets itself be read, and not written. */
export function tooLow(name: string, level: string): FaultError {
  return new FaultError({
    code: "traffic-not-permitted",
    what: `HAProxy's runtime socket ${name} only lets itself be read (level ${level}), so nothing can be shifted there.`,
    where: name,
    fix: "write `level admin` into HAProxy's line `stats socket …`, or name another socket, and reload HAProxy",
  });
}

/** The configuration knows nothing of Tidegate. */
export function fragmentMissing(name: string): FaultError {
  return new FaultError({
    code: "haproxy-fragment-missing",
    what: `The configuration of HAProxy at ${name} lacks Tidegate's part for this app, so its traffic can't be divided there.`,
    where: name,
    fix: "tidegate haproxy diff /etc/haproxy/haproxy.cfg shows what to add ; tidegate haproxy apply adds it ; then reload HAProxy",
  });
}

/** `found`: the digest of what runs; null: only a part of it does. */
export function fragmentOutdated(name: string, found: string | null): FaultError {
  return new FaultError({
    code: "haproxy-fragment-outdated",
    what:
      found === null
        ? `HAProxy at ${name} has only a part of what Tidegate needs: its backends, or its rules.`
        : `HAProxy at ${name} runs with another part of Tidegate's than this plan asks for (routes, health, stickiness or pins have changed).`,
    where: name,
    fix: "tidegate haproxy diff /etc/haproxy/haproxy.cfg shows the difference ; tidegate haproxy apply writes it ; then reload HAProxy",
  });
}

/** Faults: stale-epoch. */
export function mustNotBeStale(asked: number, known: number): void {
  if (asked >= known) return;
  throw new FaultError({ code: "stale-epoch", what: `Epoch ${known} has taken over from ${asked}.` });
}

/** Somebody else has written since. */
export function conflict(why: string): FaultError {
  return new FaultError({ code: "revision-conflict", what: `The table was not replaced: ${why}.` });
}

/** Nobody renewed the share in time. */
export function leaseEnded(name: string): FaultError {
  return new FaultError({
    code: "lease-ended",
    what: `The lease of the share has ended, and HAProxy at ${name} is back on stable.`,
  });
}
