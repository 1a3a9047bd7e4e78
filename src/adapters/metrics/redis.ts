import type { Reading, RedisFrom, Subject } from "../../core/plan/source.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import { SECOND } from "../../core/time/time.ts";
import { trustFix } from "./endpoint.ts";
import { askRedisInfo } from "./redis-info.ts";
import { type Asking, filled } from "./settings.ts";

/** What Redis had counted when it was asked last. */
interface Counted {
  readonly hits: number;
  readonly misses: number;
  readonly evicted: number;
  /** By the steady clock. */
  readonly at: number;
}

/** Asks Redis what it says of itself. Remembers its counters, because they count since it was started. */
export interface RedisAsker {
  ask(from: RedisFrom, subject: Subject, asking: Asking): Promise<Reading>;
}

export function createRedisAsker(): RedisAsker {
  const counted = new Map<string, Counted>();
  return {
    ask: async (from, subject, asking) => {
      const { clock, redact } = asking.settings;
      const url = filled(from.url, subject, asking.settings);
      const info = await askRedisInfo({ url, ...(from.ca === undefined ? {} : { ca: from.ca }) }, asking);
      if (typeof info === "string") {
        const isLocked = /NOAUTH|WRONGPASS/.test(info);
        const [fix] = isLocked
          ? ["write user and password into its address: `redis://user:password@host:6379`"]
          : trustFix(info);
        return { kind: "down", why: onOneLine(redact(info), 200), ...(fix === undefined ? {} : { fix }) };
      }
      const number = (name: string): number => Number(info.get(name) ?? Number.NaN);
      const now = {
        hits: number("keyspace_hits"),
        misses: number("keyspace_misses"),
        evicted: number("evicted_keys"),
        at: clock.monotonic(),
      };
      const key = JSON.stringify([from.figure, from.url, subject.version]);
      const before = counted.get(key);
      counted.set(key, now);
      return figureOf(from.figure, number, now, before);
    },
  };
}

function figureOf(
  figure: RedisFrom["figure"],
  number: (name: string) => number,
  now: Counted,
  before: Counted | undefined,
): Reading {
  switch (figure) {
    case "memory": {
      const most = number("maxmemory") > 0 ? number("maxmemory") : number("total_system_memory");
      return known(number("used_memory") / most);
    }
    case "clients":
      return known(number("connected_clients"));
    case "hit-rate": {
      if (before === undefined || now.hits < before.hits) return FROM_NOW_ON;
      const hits = now.hits - before.hits;
      const all = hits + now.misses - before.misses;
      return all > 0 ? known(hits / all) : { kind: "no-data", why: "nobody looked anything up in it" };
    }
    case "evictions":
      if (before === undefined || now.evicted < before.evicted) return FROM_NOW_ON;
      return known(((now.evicted - before.evicted) * SECOND) / Math.max(1, now.at - before.at));
  }
}

const FROM_NOW_ON: Reading = { kind: "no-data", why: "it is counted from now on" };

function known(value: number): Reading {
  return Number.isFinite(value) ? { kind: "value", value } : { kind: "no-data", why: "Redis does not say" };
}
