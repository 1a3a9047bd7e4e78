#!/usr/bin/env node
// Kept tiny and plain: an older Node must be able to read it far enough to say what is missing.
import module from "node:module";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 24 || (major === 24 && minor < 12)) {
  process.stderr.write(
    `Tidegate needs Node 24.12 or later, and this is ${process.versions.node}: install it from nodejs.org, or run: npx -p node@24 tidegate\n`,
  );
  process.exitCode = 2;
} else {
  module.enableCompileCache();
  void import("./start.ts").then(({ start }) => start());
}
