import type { PlanFile } from "./schema/plan-file.ts";

export type { PlanFile } from "./schema/plan-file.ts";

/** The plan file in TypeScript: `export default defineConfig({ app: "shop", … })` in `tidegate.config.ts`. */
export function defineConfig(plan: PlanFile): PlanFile {
  return plan;
}
