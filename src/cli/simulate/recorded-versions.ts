import type { RecordedVersions } from "../../core/forecast/replay.ts";
import type { SecondRow } from "../../core/observation.ts";
import { nearest } from "../../core/text/nearest.ts";
import { twinName } from "../../core/traffic/routing.ts";
import { refused } from "./recording.ts";

/** What is judged, and beside what. */
export interface ComparedVersions extends RecordedVersions {
  /** Recorded too, and left out. */
  readonly others: readonly string[];
}

/** What was named by options; undefined: not. */
export interface NamedVersions {
  readonly candidate: string | undefined;
  readonly stable: string | undefined;
}

/**
 * Which version is judged, and beside which: what was named, else the one that appears last, beside stable's twin, or the one that served
 * most while it was there. What can't be told is asked for: the wrong one would be judged with much conviction. Faults: usage.
 */
export function comparedVersions(rows: readonly SecondRow[], path: string, named: NamedVersions): ComparedVersions {
  const known = recordedOf(rows);
  if (known.length === 0) throw refused(path, null, "There is no row in the file.");
  if (known.length === 1)
    throw refused(
      path,
      null,
      `Only one version is recorded, "${known[0]?.name}": there is nothing to compare it with.`,
      "record the traffic of both versions while they serve side by side",
    );
  for (const option of ["candidate", "stable"] as const) refuseUnknown(named[option], option, known, path);
  if (named.candidate !== undefined && named.candidate === named.stable)
    throw refused(path, null, `A version can't be compared with itself.`, otherNames(known));
  const candidate = find(named.candidate, known) ?? candidateOf(known, named.stable, path);
  const stable = find(named.stable, known) ?? stableOf(known, candidate, path);
  const others = known.map(({ name }) => name).filter((name) => name !== candidate.name && name !== stable.name);
  return { candidate: candidate.name, stable: stable.name, others };
}

interface Recorded {
  readonly name: string;
  readonly first: number;
  readonly requests: number;
  /** By second. */
  readonly seconds: ReadonlyMap<number, number>;
}

function recordedOf(rows: readonly SecondRow[]): readonly Recorded[] {
  const known = new Map<string, Map<number, number>>();
  for (const { version, second, requests } of rows) {
    const seconds = known.get(version) ?? new Map<number, number>();
    known.set(version, seconds.set(second, (seconds.get(second) ?? 0) + requests));
  }
  return [...known].map(([name, seconds]) => ({
    name,
    first: [...seconds.keys()].reduce((least, second) => Math.min(least, second), Number.POSITIVE_INFINITY),
    requests: [...seconds.values()].reduce((sum, each) => sum + each, 0),
    seconds,
  }));
}

function find(name: string | undefined, known: readonly Recorded[]): Recorded | undefined {
  if (name === undefined) return undefined;
  // A commit by the beginning of its hash, as git takes it. Its twin has the same beginning, and is named in full.
  const begins = known.filter((one) => one.name.startsWith(name) && !isTwin(one.name));
  return (
    known.find((one) => one.name === name) ??
    (name.length >= LEAST_NAMED && begins.length === 1 ? begins[0] : undefined)
  );
}

const LEAST_NAMED = 4;

/** The one that appears last, of those that ever served beside another one: what came after a release is none. */
function candidateOf(known: readonly Recorded[], stable: string | undefined, path: string): Recorded {
  const possible = known.filter(({ name }) => name !== stable && !isTwin(name));
  const beside = possible.filter((one) => known.some((other) => other !== one && requestsBeside(other, one) > 0));
  const [newest, before] = (beside.length === 0 ? possible : beside).toSorted((a, b) => b.first - a.first);
  if (newest === undefined) throw untold("Which version is judged can't be told", known, path);
  if (before !== undefined && mayHaveServed(newest, before, known))
    throw untold(
      `Which version is judged can't be told: ${before.name} and ${newest.name} are both there from the first requests on`,
      known,
      path,
    );
  return newest;
}

function isTwin(name: string): boolean {
  return name.endsWith(twinName(""));
}

/** That a version which served would have been silent for so long, by chance. */
const HARDLY = 1e-3;

/** Whether it may have served already when `before` appeared, and have got none of the requests since then by chance. */
function mayHaveServed(newest: Recorded, before: Recorded, known: readonly Recorded[]): boolean {
  const [without, beside] = [before.first, newest.first].map((from, index) =>
    known.reduce((sum, { seconds }) => {
      const to = index === 0 ? newest.first : Number.POSITIVE_INFINITY;
      return sum + requestsIn(seconds, (second) => second >= from && second < to);
    }, 0),
  ) as [number, number];
  return without * Math.log1p(-Math.min(1 - 1e-9, newest.requests / beside)) > Math.log(HARDLY);
}

/** So many times as much as the next one: then it is no question which one served. */
const CLEARLY = 2;

/** A twin, which was there for nothing else; without one what served most while the candidate was there. */
function stableOf(known: readonly Recorded[], candidate: Recorded, path: string): Recorded {
  const besides = known
    .filter(({ name }) => name !== candidate.name && name !== twinName(candidate.name))
    .map((one) => ({ one, requests: requestsBeside(one, candidate) }))
    .toSorted((a, b) => b.requests - a.requests);
  const twin = besides.find(({ one, requests }) => isTwin(one.name) && requests > 0);
  if (twin !== undefined) return twin.one;
  const [most, next] = besides.filter(({ one }) => !isTwin(one.name));
  const what = `What ${candidate.name} is compared with can't be told`;
  if (most === undefined) throw untold(what, known, path);
  if (next !== undefined && most.requests === 0)
    throw untold(`${what}: none of the others was there with it`, known, path);
  if (next !== undefined && most.requests < CLEARLY * next.requests)
    throw untold(`${what}: ${most.one.name} and ${next.one.name} served beside it`, known, path);
  return most.one;
}

/** Its requests in the seconds in which the other one had some. */
function requestsBeside({ seconds }: Recorded, other: Recorded): number {
  return requestsIn(seconds, (second) => (other.seconds.get(second) ?? 0) > 0);
}

function requestsIn(seconds: Recorded["seconds"], isMeant: (second: number) => boolean): number {
  let sum = 0;
  for (const [second, requests] of seconds) if (isMeant(second)) sum += requests;
  return sum;
}

function refuseUnknown(name: string | undefined, option: string, known: readonly Recorded[], path: string): void {
  if (name === undefined || find(name, known) !== undefined) return;
  const names = known.map((one) => one.name);
  const near = nearest(name, names);
  const recorded = `recorded are ${names.slice(0, 8).join(", ")}`;
  throw refused(
    path,
    null,
    `No version "${name}" is recorded.`,
    near === undefined ? recorded : `--${option} ${near}; ${recorded}`,
  );
}

function untold(what: string, known: readonly Recorded[], path: string): Error {
  return refused(path, null, `${what}.`, otherNames(known));
}

function otherNames(known: readonly Recorded[]): string {
  const names = known
    .toSorted((a, b) => b.requests - a.requests)
    .slice(0, 8)
    .map(({ name, requests }) => `${name} (${requests} requests)`);
  return `say which is which: --candidate NAME --stable NAME; recorded are ${names.join(", ")}`;
}
