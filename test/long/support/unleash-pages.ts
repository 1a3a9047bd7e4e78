import type { Page } from "../../e2e/support/crowd.ts";

export const ADMIN_TOKEN = "*:*.unleash-long-test-admin";
export const CLIENT_TOKEN = "default:development.unleash-long-test-client";

/** What SDKs and the admin's pages ask of an Unleash, reading and writing. */
export const UNLEASH_PAGES: readonly Page[] = [
  sdk("/api/client/features", '"features":['),
  version(),
  sdk("/api/client/features", '"features":['),
  metrics(),
  { path: "/", wrong: answered(200, "<!doctype html>") },
  sdk("/api/client/features", '"features":['),
  register(),
  { path: "/api/admin/projects", headers: { authorization: ADMIN_TOKEN }, wrong: answered(200, '"id":"default"') },
];

function sdk(path: string, part: string): Page {
  return { path, headers: { authorization: CLIENT_TOKEN }, wrong: answered(200, part) };
}

function version(): Page {
  return {
    path: "/api/admin/ui-config",
    headers: { authorization: ADMIN_TOKEN },
    wrong: answered(200, '"version":'),
    version: (body) => (JSON.parse(body) as { version: string }).version,
  };
}

function metrics(): Page {
  const bucket = { start: "2026-01-01T00:00:00Z", stop: "2026-01-01T00:01:00Z", toggles: { shelf: { yes: 3, no: 1 } } };
  return written("/api/client/metrics", { appName: "shop", instanceId: "shop-1", bucket });
}

function register(): Page {
  const started = "2026-01-01T00:00:00Z";
  return written("/api/client/register", {
    appName: "shop",
    instanceId: "shop-1",
    strategies: ["default"],
    started,
    interval: 15_000,
  });
}

function written(path: string, what: unknown): Page {
  return {
    method: "POST",
    path,
    headers: { authorization: CLIENT_TOKEN },
    send: JSON.stringify(what),
    wrong: answered(202, ""),
  };
}

function answered(expected: number, part: string): Page["wrong"] {
  return (status, body) =>
    status === expected && body.toLowerCase().includes(part.toLowerCase()) ? null : `${status} ${body.slice(0, 200)}`;
}
