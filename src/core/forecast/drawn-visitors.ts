import type { Random } from "../analysis/statistics/random.ts";
import { besidesOf, type ComparedShare } from "./besides.ts";
import type { VisitorModel } from "./traffic-model.ts";

/** Bots ask how many times as much as others, and the slow wait how many times as long. */
const BOTS_ASK = 100;
const SLOW_WAIT = Math.log(10);

/** Who visits in one run, by place: millions of requests are played of them, hence the plain arrays. */
export interface DrawnVisitors {
  /** 1: this visitor was drawn for the candidate, and stays there. */
  readonly isCandidate: Uint8Array;
  /** 0: this visitor gets stable itself beside a twin of it, and nobody is compared with them. */
  readonly isCompared: Uint8Array;
  /** 1: every request fails, whatever serves it. */
  readonly isFailing: Uint8Array;
  /** ln of how many times as long as others each waits by nature. */
  readonly slowness: Float64Array;
  /** How much each asks for, in parts of the mean. */
  readonly asks: Float64Array;
}

export function drawVisitors(
  { count, activity, bots, failing, slow, speed }: VisitorModel,
  shared: ComparedShare,
  random: Random,
): DrawnVisitors {
  const isDrawn = (part: number): boolean => random.next() < part;
  const drawn = Float64Array.from({ length: count }, () => random.next());
  const isBelow = (part: number): Uint8Array => Uint8Array.from(drawn, (each) => (each < part ? 1 : 0));
  const isCandidate = isBelow(shared.share);
  const isCompared = isBelow(shared.share + besidesOf(shared));
  const isFailing = Uint8Array.from({ length: count }, () => (isDrawn(failing) ? 1 : 0));
  const slowness = Float64Array.from({ length: count }, () => speed * random.normal());
  const asks = Float64Array.from(
    { length: count },
    () => Math.exp(activity * random.normal()) * (isDrawn(bots) ? BOTS_ASK : 1),
  );
  if (slow > 0) for (const place of slowness.keys()) (slowness[place] as number) += isDrawn(slow) ? SLOW_WAIT : 0;
  const mean = asks.reduce((sum, each) => sum + each, 0) / count;
  return { isCandidate, isCompared, isFailing, slowness, asks: asks.map((each) => each / mean) };
}
