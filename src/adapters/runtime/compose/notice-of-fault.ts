import { withoutFullStop } from "../../../core/text/plain-text.ts";
import { faultOf } from "../../../core/fault.ts";
import type { Notice } from "../../../ports/notice.ts";

/** What a fault says, as one sentence with its place. */
export function noticeOf(about: string, error: unknown): Notice {
  const { what, where, cause, detail = [], fix } = faultOf(error, "runtime-unreachable", "it can't be asked.");
  const why = [...(cause === undefined ? [] : [cause]), ...detail].join("; ");
  return {
    about,
    level: "bad",
    sentence: `${withoutFullStop(what)}${why === "" ? "" : `: ${why}`}`,
    ...(where === undefined ? {} : { where }),
    ...(fix === undefined ? {} : { fix }),
  };
}
