/** An app of alembic's, in a few files. */
export const ALEMBIC_APP = {
  "alembic.ini": "[alembic]\nscript_location = .\n",
  "env.py": `import os
from alembic import context
from sqlalchemy import create_engine
url = os.environ["DATABASE_URL"]
if context.is_offline_mode():
    context.configure(url=url, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(url).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
`,
};

/** A revision whose ways are lines of Python. */
export function revision(version: string, parent: string | null, up: string, down = "pass", comment = ""): string {
  const indented = (text: string): string => text.replaceAll(/^/gm, "    ");
  return `"""${version}"""
${comment}
import sqlalchemy as sa
from alembic import op
revision = "${version}"
down_revision = ${parent === null ? "None" : `"${parent}"`}
def upgrade():
${indented(up)}
def downgrade():
${indented(down)}
`;
}
