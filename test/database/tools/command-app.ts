import type { CommandTool } from "../../../src/core/plan/database.ts";

/** A tool of a team's own in a few lines: psql, and a table with names. */
export const COMMAND_APP = {
  "bin/tool": `#!/bin/sh
sql() { psql -qXAt -v ON_ERROR_STOP=1 -d "$DATABASE_URL" "$@"; }
if [ "$1" = status ]; then sql -c "SELECT 1"; exit; fi
# \`-- once\` in a file: in one transaction.
grep -q "^-- tidegate: transaction=yes" "m/$2.$1.sql" && one=-1
[ "$1" = up ] && note="INSERT INTO done VALUES ('$2')" || note="DELETE FROM done WHERE name = '$2'"
sql $one -f "m/$2.$1.sql" -c "$note"
`,
  "m/1_orders.up.sql": "CREATE TABLE done (name text PRIMARY KEY);\nCREATE TABLE orders (id int, legacy text);\n",
};

export const COMMAND: CommandTool = {
  kind: "command",
  files: "m/*.up.sql",
  applied: { sql: "SELECT name FROM done" },
  up: ["bin/tool", "up", "${revision}"],
  down: ["bin/tool", "down", "${revision}"],
  check: ["bin/tool", "status"],
  phases: {},
};
