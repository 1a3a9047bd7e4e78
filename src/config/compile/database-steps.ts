import type { PlanConfig } from "../schema/plan-file.ts";
import type { Told } from "./context.ts";
import type { Draft } from "./drafts.ts";
import { hasMigrations } from "./migrations.ts";
import { wrongOrder } from "./order.ts";

/** I6 and what follows from it: what a schema is changed for, and who still needs it as it was. */
export function checkDatabaseSteps(drafts: readonly Draft[], { database }: PlanConfig, told: Told): void {
  const steps = drafts.filter(({ verb }) => verb === "backup" || verb === "migrate");
  for (const step of steps) {
    if (database === undefined)
      wrongOrder(
        told,
        step,
        `\`${step.verb}\` needs to know the database.`,
        'Say where it is: `database: { url: "${DATABASE_URL}", migrations: db/migrations }`.',
      );
    else if (step.verb === "migrate" && !hasMigrations(database))
      wrongOrder(
        told,
        step,
        "`migrate` needs to know where the migrations are.",
        "Say it under `database:`, for example `migrations: db/migrations`.",
        { isAbsence: true },
      );
  }
  checkMigrations(drafts, told);
  checkBackups(drafts, told);
}

function checkMigrations(drafts: readonly Draft[], told: Told): void {
  const retire = drafts.findIndex(({ verb }) => verb === "retire");
  const start = drafts.findIndex(({ verb }) => verb === "start");
  let hasExpanded = false;
  for (const [index, draft] of drafts.entries()) {
    if (!("migrate" in draft.written)) continue;
    const what = draft.written.migrate;
    const isLate = start >= 0 && index > start;
    const isAfterRetire = retire >= 0 && index > retire;
    if (what === "contract" && !isAfterRetire)
      wrongOrder(
        told,
        draft,
        `The contract step takes away what the old version needs, ${retire < 0 ? "and nothing in this plan retires it." : "and `retire` comes later."}`,
        retire < 0 ? "Put `- retire` before it." : "Move it behind `- retire`.",
      );
    if (what === "expand" && isLate)
      wrongOrder(
        told,
        draft,
        "The new version would run before the schema has what it needs: `start` comes earlier.",
        "Move it before `start`, or before the first step that needs the new version.",
      );
    if (what === "all" && isLate && !isAfterRetire)
      wrongOrder(
        told,
        draft,
        "Here both versions may serve: what is only added should be there already, and what is taken away may not be gone yet.",
        "Write `migrate: expand` before `start`, and `migrate: contract` behind `retire`.",
      );
    if (what === "backfill" && !hasExpanded && !isAfterRetire)
      wrongOrder(
        told,
        draft,
        "There is nothing to fill yet: `migrate: expand` does not come before it.",
        "Put `- migrate: expand` before it.",
      );
    hasExpanded ||= what === "expand" || what === "all";
  }
}

function checkBackups(drafts: readonly Draft[], told: Told): void {
  const migrate = drafts.findIndex(({ verb }) => verb === "migrate");
  const backup = drafts.findIndex(({ verb }) => verb === "backup");
  const late = drafts[backup];
  if (migrate < 0 || late === undefined || backup < migrate) return;
  wrongOrder(
    told,
    late,
    "This backup comes after a migration: nothing can be brought back from it as it was before.",
    "Move it before the first `migrate`.",
  );
}
