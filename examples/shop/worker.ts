// The shop's worker: packs what was ordered. Any number may run at once, also of different versions.
import { setTimeout as sleep } from "node:timers/promises";
import { fulfilNext } from "./src/orders.ts";
import { readOptions } from "./src/options.ts";
import { Store } from "./src/store.ts";

const options = readOptions(process.argv.slice(2), process.env);
const store = await Store.open(options.data);
const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());

console.log(`shop worker ${options.version} packs orders from ${options.data}`);
let packed = 0;
while (!stop.signal.aborted) {
  const orders = await fulfilNext(store, options.version, 50);
  packed += orders.length;
  if (orders.length === 0) await sleep(200, undefined, { signal: stop.signal }).catch(() => undefined);
}
store.close();
console.log(`shop worker ${options.version} stopped, ${packed} orders packed`);
