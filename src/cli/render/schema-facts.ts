import type { StepOf } from "../../core/plan/step.ts";
import type { PlanPreview } from "../plan-preview.ts";
import { pendingWords } from "./migrations-view.ts";

/** How far a release can be rolled back, by what is pending in the database. */
export function undoFacts({ plan: { steps }, schema }: PlanPreview): string {
  const contract = steps.find((step) => step.kind === "migrate" && step.what === "contract");
  if (contract === undefined) return "it can be rolled back to its end: no step is a point of no return";
  return hasNoContract(schema)
    ? "it can be rolled back to its end: no contract is pending"
    : `it can be rolled back until "${contract.name}", which is the point of no return`;
}

/** `db/migrations/0012_total.sql: expand`, each pending one. */
export function pendingFacts({ schema }: PlanPreview): readonly string[] {
  if (schema?.kind !== "known") return [];
  if (schema.pending.length === 0) return ["nothing to migrate"];
  return schema.pending.map((each) => `${each.file}: ${pendingWords(each)}`);
}

/** What a step does to the schema, by what is pending. */
export function migrateFacts(
  { what }: StepOf<"migrate">,
  stable: PlanPreview["stable"],
  schema: PlanPreview["schema"],
): readonly string[] {
  if (what !== "contract")
    return ["pending migrations, without keeping readers waiting", "taken back where nothing is lost by it"];
  if (hasNoContract(schema)) return ["does nothing: no contract is pending, so the way back stays"];
  if (stable === null) return ["pending migrations that take away"];
  return [`takes away what ${stable.label} needs of the database`, "point of no return: after it there is no rollback"];
}

/** What is pending is known, and nothing of it takes anything away. */
function hasNoContract(schema: PlanPreview["schema"]): boolean {
  return schema?.kind === "known" && schema.pending.every(({ phase }) => phase !== "contract");
}
