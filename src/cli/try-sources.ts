import { formatFigure } from "../core/analysis/figures.ts";
import { type Guard, type GuardId, guardId, guardLabel } from "../core/plan/guard.ts";
import type { InstanceSeen } from "../core/observation.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { Reading, Source } from "../core/plan/source.ts";
import type { Context } from "./context.ts";
import type { Outside } from "./machinery.ts";

/** What the source of a guard says just now. */
export interface SourceTrial {
  readonly guard: string;
  readonly kind: Source["from"]["kind"];
  /** Of the version that serves; null where none does, and a source is only asked whether it can be. */
  readonly version: string | null;
  readonly reading: Reading;
  /** In a sentence without its full stop: "1.02/s of a1f09c". */
  readonly sentence: string;
}

/** A version, and what people call it. */
interface Labelled {
  readonly version: string;
  readonly label: string;
}

/** Asks each source of the plan once, about the version that serves. */
export async function trySources(
  context: Context,
  plan: Plan,
  { metrics }: Pick<Outside, "metrics">,
  stableAmong: (instances: readonly InstanceSeen[]) => Labelled | null,
): Promise<readonly SourceTrial[]> {
  const guards = sourcedGuards(plan);
  if (guards.length === 0) return [];
  const instances = await runningInstances(context, plan);
  const stable = stableAmong(instances);
  const slot = instances.find(({ version }) => version === stable?.version)?.slot ?? "blue";
  const never = new AbortController().signal;
  return Promise.all(
    guards.map(async (guard): Promise<SourceTrial> => {
      const { source } = guard;
      const reading = await metrics.ask(
        source,
        {
          version: stable?.version ?? "none",
          slot,
          service: source.service,
          app: plan.app,
          environment: plan.environment,
        },
        never,
      );
      return {
        guard: guardLabel(guard),
        kind: source.from.kind,
        version: stable?.version ?? null,
        reading,
        sentence: sentenceOf(guard, reading, source.isByVersion ? stable : null),
      };
    }),
  );
}

/** What runs of the app, as it is seen without starting anything; none where that can't be found out. */
async function runningInstances({ machinery, project }: Context, plan: Plan): Promise<readonly InstanceSeen[]> {
  return (await machinery.runningInstances(project().state, plan).catch(() => null)) ?? [];
}

type Sourced = Guard & { readonly source: Source };

/** Each once, however many steps have it. */
function sourcedGuards({ steps }: Plan): readonly Sourced[] {
  const known = new Map<GuardId, Sourced>();
  for (const guard of steps.flatMap(({ guards }) => guards))
    if (guard.source !== undefined) known.set(guardId(guard), { ...guard, source: guard.source });
  return [...known.values()];
}

function sentenceOf(guard: Guard, reading: Reading, of: { readonly label: string } | null): string {
  const whose = of === null ? "" : ` of ${of.label}`;
  switch (reading.kind) {
    case "value":
      return `${formatFigure(guard, reading.value)}${whose}`;
    case "no-data":
      return `no data${whose} yet: ${reading.why}`;
    case "down":
      return reading.why;
  }
}
