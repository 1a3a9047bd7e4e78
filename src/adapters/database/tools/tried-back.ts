import type { DownRequest } from "../../../ports/migrations.ts";
import { goesByAddress } from "./goes-by-address.ts";
import type { ToolPlace } from "./run-tool.ts";
import type { Back, StepBack } from "./steps-back.ts";
import { type CopySchema, type Tried, tryDown, whyNoCopy } from "./trial.ts";

type TrialOrder = Pick<DownRequest, "onCopy"> & { readonly copySchema: CopySchema };

/** What the ways back of some did to a copy, by version. */
export interface Trials {
  readonly all: ReadonlyMap<string, Tried>;
  /** Why nothing was tried; null: it was. */
  readonly why: string | null;
}

/** Tries them where nobody is harmed by it. */
export async function triedBack(
  place: ToolPlace,
  { revisions, versions }: Back,
  steps: readonly StepBack[],
  { copySchema, onCopy }: TrialOrder,
): Promise<Trials> {
  const found = steps.flatMap(({ revision }) => (revision === null ? [] : [revision]));
  if (found.length === 0 || onCopy === true) return { all: new Map(), why: null };
  if ((await goesByAddress(place)) !== true)
    return { all: new Map(), why: "nothing shows that the tool goes by DATABASE_URL" };
  try {
    const tried = await tryDown(place, copySchema, found, { revisions, applied: versions });
    return { all: new Map(tried.map((each) => [each.revision.version, each])), why: null };
  } catch (error) {
    place.signal.throwIfAborted();
    return { all: new Map(), why: whyNoCopy(error) };
  }
}
