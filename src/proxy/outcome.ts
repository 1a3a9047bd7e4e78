/** What became of a request: the app's status, or one of these. */
export type Outcome = number;

/** No answer of the app's: refused, cut, timed out. */
export const FAILED = 0;
/** The version could not take the request, and another instance did: a failure of its own that no client has seen. */
export const PASSED_ON = 1;
/** The client went away before an answer came: nginx's number for it. */
export const CLIENT_GONE = 499;

/** No answer, or one that says that the app failed. */
export function isBad(outcome: Outcome): boolean {
  return outcome < 100 || outcome >= 500;
}

/** The app answered, and the client was there for it. */
export function isAnswered(outcome: Outcome): boolean {
  return outcome >= 100 && outcome !== CLIENT_GONE;
}
