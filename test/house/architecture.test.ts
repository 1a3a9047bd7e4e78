import { deepEqual } from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { it } from "node:test";

it("every path that ARCHITECTURE.md names exists", () => {
  const named = [
    ...readFileSync("ARCHITECTURE.md", "utf8").matchAll(/`((?:src|test|bench|docs|examples)\/[\w./-]+)`/g),
  ];
  const missing = named.map(([, path = ""]) => path).filter((path) => !existsSync(path));
  deepEqual(missing, []);
});

it("every link between the documents leads somewhere", () => {
  const broken: string[] = [];
  for (const file of globSync(["*.md", "docs/**/*.md", "examples/**/*.md"], { exclude: ["**/node_modules/**"] })) {
    for (const [, target = ""] of readFileSync(file, "utf8").matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      if (!existsSync(join(dirname(file), target))) broken.push(`${file}: ${target}`);
    }
  }
  deepEqual(broken, []);
});
