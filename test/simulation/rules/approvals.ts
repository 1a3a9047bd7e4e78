import type { Rule } from "./rule.ts";
import { type Ledger, readInto } from "./ledger.ts";

/** I9. */
export const approvals: Rule = {
  name: "I9",
  sentence: "An approval is bound to plan, artifact and step; nobody approves a release of their own",
  begin: (broken) => {
    const ledger: Ledger = new Map();
    const given = new Map<string, Set<string>>();
    const asked = new Map<number, { release: number; planHash: string | undefined }>();
    return (fact) => {
      readInto(ledger, fact);
      if (
        fact.kind === "asked" &&
        fact.body.kind === "command" &&
        fact.body.command.kind === "approve" &&
        fact.release !== null
      )
        asked.set(fact.request, { release: fact.release, planHash: fact.body.command.planHash });
      if (fact.kind === "answered") {
        const approval = asked.get(fact.request);
        const entry = approval === undefined ? undefined : ledger.get(approval.release);
        if (
          fact.answer.kind === "accepted" &&
          approval?.planHash !== undefined &&
          approval.planHash !== entry?.planned.planHash
        )
          broken(`An approval of another plan than that of release ${approval.release} was taken.`);
      }
      if (fact.kind !== "appended") return;
      const entry = ledger.get(fact.release);
      if (entry === undefined) return;
      const { plan, planHash, candidate, by } = entry.planned;
      const team = Object.keys(plan.people);
      for (const { event } of fact.events) {
        const key = "step" in event ? `${fact.release}/${event.step}` : "";
        if (event.type === "approved") {
          const step = plan.steps.find(({ id }) => id === event.step);
          if (event.planHash !== planHash || event.version !== candidate.version)
            broken(`Release ${fact.release}: ${event.by} approved another plan or version.`);
          if (event.by === by && team.length > 1)
            broken(`Release ${fact.release}: ${event.by} approved a release of their own.`);
          if (step?.kind !== "approve")
            broken(`Release ${fact.release}: "${event.step}" needs no approval, and has one.`);
          else if (team.length > 0 && step.role !== "anyone" && !(plan.people[event.by] ?? []).includes(step.role))
            broken(`Release ${fact.release}: ${event.by} approved "${event.step}" without being ${step.role}.`);
          given.set(key, (given.get(key) ?? new Set()).add(event.by));
        }
        if (event.type !== "step-passed") continue;
        const step = plan.steps.find(({ id }) => id === event.step);
        if (step?.kind === "approve" && (given.get(key)?.size ?? 0) < step.count)
          broken(
            `Release ${fact.release}: "${event.step}" passed with ${given.get(key)?.size ?? 0} of ${step.count} approvals.`,
          );
      }
    };
  },
};
