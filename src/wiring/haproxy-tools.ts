import type { HaproxyTools } from "../cli/machinery.ts";
import { FaultError } from "../core/fault.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { HaproxyPlan } from "../core/plan/traffic.ts";

export async function haproxyTools(): Promise<HaproxyTools> {
  const [{ fragmentOf }, { withFragment }, file, { lookAtHaproxy }] = await Promise.all([
    import("../adapters/traffic/haproxy/fragment.ts"),
    import("../adapters/traffic/haproxy/edit.ts"),
    import("../adapters/traffic/haproxy/configuration-file.ts"),
    import("../adapters/traffic/haproxy/findings.ts"),
  ]);
  const planned = ({ traffic: { haproxy } }: Plan): HaproxyPlan => {
    if (haproxy !== undefined) return haproxy;
    throw new FaultError({
      code: "no-haproxy",
      what: "This plan's traffic is not divided by HAProxy.",
      fix: "write `traffic: { haproxy: /run/haproxy/admin.sock }` into the plan file",
    });
  };
  return {
    fragment: (plan) => fragmentOf(plan, planned(plan)),
    read: file.readConfiguration,
    edited: (text, plan, at) => withFragment(text, plan, planned(plan), at),
    check: (text, plan) => file.checkConfiguration(text, plan, planned(plan)),
    write: (path, text, plan) => file.writeConfiguration(path, text, plan, planned(plan)),
    look: (plan) => lookAtHaproxy(plan, planned(plan), Date.now),
  };
}
