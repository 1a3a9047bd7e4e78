import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** A kind of request that the contestants are loaded with. */
export interface Workload {
  readonly name: string;
  readonly path: string;
  /** For wrk; null: plain GETs. */
  readonly script: string | null;
}

/** Two small messages and a long one. The scripts that wrk needs go into `folder`. */
export function workloads(folder: string): readonly Workload[] {
  const post = join(folder, "post.lua");
  writeFileSync(
    post,
    `wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = string.rep("a", 1024)\n`,
  );
  return [
    { name: "GET 1 KB", path: "/small", script: null },
    { name: "POST 1 KB", path: "/small", script: post },
    { name: "GET 100 KB", path: "/large", script: null },
  ];
}
