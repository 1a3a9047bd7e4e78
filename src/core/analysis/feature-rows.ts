import type { FeatureRow, SecondRow } from "../observation.ts";

/** Of rows that are asked for once a second, by as many guards as are about the feature. */
const known = new WeakMap<readonly SecondRow[], Map<string, readonly SecondRow[]>>();
const knownRows = new WeakMap<SecondRow, Map<string, SecondRow>>();

/** The rows as if there had been no other requests than those of one feature. What is counted by visitors stays: counters know what they are about. */
export function rowsOfFeature(rows: readonly SecondRow[], feature: string): readonly SecondRow[] {
  return once(known, rows, feature, () =>
    rows.map((row) => once(knownRows, row, feature, () => ofFeature(row, feature))),
  );
}

const NOTHING: FeatureRow = { requests: 0, bad: 0, latency: {} };

function ofFeature(row: SecondRow, feature: string): SecondRow {
  const { features = {} } = row;
  const { requests, bad, latency } = (Object.hasOwn(features, feature) ? features[feature] : undefined) ?? NOTHING;
  return {
    ...row,
    requests,
    status: { ok: requests - bad, redirect: 0, client: 0, server: bad, failed: 0 },
    latency,
    webSockets: { opened: 0, failed: 0 },
    worst: [],
  };
}

function once<K extends object, V>(memory: WeakMap<K, Map<string, V>>, key: K, name: string, make: () => V): V {
  const byName = memory.get(key) ?? new Map<string, V>();
  memory.set(key, byName);
  const found = byName.get(name) ?? make();
  byName.set(name, found);
  return found;
}
