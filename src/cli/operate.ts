import { migrateDatabase } from '../main.ts'
import { UsageError } from './exit.ts'
import { type CommonOptions, ownerUrl } from './session.ts'

/** Brings the schema of an external database up to date, and says how to make its logins. */
export async function migrate(
  options: CommonOptions & { readonly databaseUrl?: string },
): Promise<number> {
  const url = ownerUrl(options.databaseUrl)
  if (url === undefined) {
    throw new UsageError(
      'Name the owner’s URL: dispatch-ledger migrate --database-url postgres://…',
    )
  }
  const applied = await migrateDatabase(url)
  if (options.json) process.stdout.write(`${JSON.stringify({ applied })}\n`)
  else
    process.stdout.write(
      `${applied.length === 0 ? 'Nothing to do' : `Applied ${applied.join(', ')}`}.\n${LOGINS}`,
    )
  return 0
}

const LOGINS = `
Make the logins, once, with passwords of your own:
  CREATE ROLE ledger_app LOGIN PASSWORD '…' IN ROLE ledger_writer, ledger_projector;
  CREATE ROLE ledger_reports LOGIN PASSWORD '…' IN ROLE ledger_analyst;
Then serve with DATABASE_URL=postgres://ledger_app:…@host/database
`
