import { deepEqual } from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { it } from "node:test";

/** What a layer may import, beside itself. The compiler does not catch what comes through another layer. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  ports: ["core"],
  local: ["core"],
  config: ["core"],
  keeper: ["core", "local", "proxy/protocol.ts"],
  proxy: ["core", "local"],
  engine: ["core", "ports"],
  // How requests are counted is the same in every data plane; so the adapters of others take it from the proxy.
  adapters: [
    "core",
    "ports",
    "local",
    "migrations",
    "keeper/protocol.ts",
    "proxy/protocol.ts",
    ...["check-table", "counter-filter", "observations", "outcome"].map((name) => `proxy/${name}.ts`),
  ],
  migrations: ["core"],
  server: ["core", "ports", "engine", "local"],
  cli: ["core", "ports", "config", "engine", "migrations", "server", "local", "keeper/main.ts", "proxy/main.ts"],
  demo: ["core", "local", "cli"],
  wiring: ["core", "ports", "local", "keeper", "proxy", "adapters", "cli"],
};

/** Dependencies that a layer may use; none for what is pure. */
const PACKAGES: Readonly<Record<string, RegExp>> = { core: /^$/, ports: /^$/ };

const IMPORT = /(?:^|\n)\s*(?:import|export)[^;"']*?from\s+["']([^"']+)["']|import\(\s*["']([^"']+)["']/g;

function importsOf(file: string): readonly string[] {
  return [...readFileSync(file, "utf8").matchAll(IMPORT)].map(([, name, lazy]) => name ?? lazy ?? "");
}

it("every import goes down: core ← ports ← adapters, engine ← cli and server ← wiring", () => {
  const wrong: string[] = [];
  for (const file of globSync("src/*/**/*.ts")) {
    const layer = file.split("/")[1] ?? "";
    for (const name of importsOf(file)) {
      if (!name.startsWith(".")) {
        if (PACKAGES[layer] !== undefined && !PACKAGES[layer].test(name)) wrong.push(`${file}: ${name}`);
        continue;
      }
      const target = normalize(join(dirname(file), name)).slice("src/".length);
      const isAllowed =
        target.startsWith(`${layer}/`) ||
        (MAY_IMPORT[layer] ?? []).some((each) => target === each || target.startsWith(`${each}/`));
      if (!isAllowed) wrong.push(`${file}: ${target}`);
    }
  }
  deepEqual(wrong, []);
});

it("nothing but wiring imports an adapter", () => {
  const wrong = globSync("src/**/*.ts").filter(
    (file) =>
      !file.startsWith("src/wiring/") &&
      !file.startsWith("src/adapters/") &&
      importsOf(file).some((name) => name.includes("adapters/")),
  );
  deepEqual(wrong, []);
});
