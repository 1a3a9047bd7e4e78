import { type Duration, HOUR, type Instant, SECOND } from "../../core/time/time.ts";

/** Says in a log how far it is, now and then, while nothing happens. */
export interface ProgressLine {
  /** Something else was told, perhaps how far it is. */
  news(at: Instant, sentence?: string): void;
  /** The sentence, where it is due and another one than was told last; null: not now. */
  due(sentence: string, at: Instant): string | null;
}

const FIRST_AFTER: Duration = 15 * SECOND;

/** After 15 seconds without news, then each time after twice as long, an hour at most: a log of weeks stays short. */
export function progressLine(): ProgressLine {
  let toldAt: Instant | null = null;
  let pause = FIRST_AFTER;
  let last = "";
  return {
    news: (at, sentence = last) => {
      toldAt = at;
      last = sentence;
      pause = FIRST_AFTER;
    },
    due: (sentence, at) => {
      toldAt ??= at;
      if (at - toldAt < pause || sentence === last) return null;
      toldAt = at;
      pause = Math.min(HOUR, 2 * pause);
      last = sentence;
      return sentence;
    },
  };
}
