import { openPostgres } from "./postgres.ts";
import { openRedis } from "./redis.ts";

const NAME = process.env["TIDEGATE_INSTANCE"] ?? `worker ${process.pid}`;

/** Packs what was ordered, one order after the other. */
const postgres = openPostgres();
const redis = openRedis();
const ending = new AbortController();
process.once("SIGTERM", () => ending.abort());
process.stdout.write(`${NAME} packs\n`);

while (!ending.signal.aborted) {
  // Short, so that whoever is told to end soon notices; what is taken is packed before it ends.
  const taken = await redis.call("BRPOP", "to-pack", "1").catch(() => null);
  const id = Array.isArray(taken) ? taken[1] : null;
  if (typeof id === "string") await postgres.query("update orders set packed_by = $2 where id = $1", [id, NAME]);
}
process.exit(0);
