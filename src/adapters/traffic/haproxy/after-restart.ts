import type { Balancer, BalancerSeen } from "./balancer.ts";

/**
 * Looks at load balancers for the engine that acts: one that was started again gets back what it had, at the first look
 * and not at the next change. It knows no more than its files say, which may be old, or out of Tidegate's reach.
 */
export interface RestartWatch {
  /** This engine acts from now on; before that nothing is given back to anybody. */
  act(epoch: number): void;
  look(balancer: Balancer): Promise<BalancerSeen>;
  /** This engine has just written there. */
  wrote(balancer: Balancer, seen: BalancerSeen): void;
}

export function watchRestarts(): RestartWatch {
  /** As they were when they were last found whole. */
  const whole = new Map<Balancer, BalancerSeen>();
  let acting: number | null = null;
  return {
    act: (epoch) => void (acting = epoch),
    async look(balancer) {
      const seen = await balancer.look();
      if (acting === null || seen.epoch > acting) return seen;
      const before = whole.get(balancer) ?? null;
      try {
        const now = before?.pid === seen.pid ? seen : await balancer.restore(before, acting);
        whole.set(balancer, now);
        return now;
      } catch {
        // What it has not got back shows in what it says; the next look tries again.
        return seen;
      }
    },
    wrote: (balancer, seen) => void whole.set(balancer, seen),
  };
}
