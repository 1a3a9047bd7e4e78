import type { TrafficState } from "../core/traffic/routing.ts";

type EndpointState = TrafficState["endpoints"][string];

/** The state of the process in charge, with what another one still has in flight. */
export function withLeaving(own: TrafficState, other: TrafficState | null): TrafficState {
  if (other === null) return own;
  const endpoints = Object.entries(own.endpoints).map(([id, state]): [string, EndpointState] => {
    const there = other.endpoints[id];
    if (there === undefined) return [id, state];
    const { inFlight, webSockets } = state;
    return [id, { ...state, inFlight: inFlight + there.inFlight, webSockets: webSockets + there.webSockets }];
  });
  return {
    ...own,
    inFlight: merged(own.inFlight, other.inFlight, (a, b) => a + b),
    endpoints: Object.fromEntries(endpoints),
    leaving: {
      pid: other.pid,
      requests: sum(Object.values(other.inFlight)),
      webSockets: sum(Object.values(other.endpoints).map(({ webSockets }) => webSockets)),
    },
    lastRequestAt: merged(own.lastRequestAt, other.lastRequestAt, (a, b) => (a === null || (b ?? 0) > a ? b : a)),
  };
}

function merged<Value>(
  a: Readonly<Record<string, Value>>,
  b: Readonly<Record<string, Value>>,
  both: (a: Value, b: Value) => Value,
): Record<string, Value> {
  const result = { ...a };
  for (const [name, value] of Object.entries(b)) {
    const mine = result[name];
    result[name] = mine === undefined ? value : both(mine, value);
  }
  return result;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
