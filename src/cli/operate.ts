import { migrateDatabase } from '../direct.ts'
import { restrictEventStoreDb, WRITERS } from '../wiring.ts'
import { UsageError } from './exit.ts'
import { type CommonOptions, ownerUrl } from './session.ts'

/** Brings the schema of an external database up to date, and says how to make its logins. */
export async function migrate(
  options: CommonOptions & { readonly databaseUrl?: string; readonly eventstoreUrl?: string },
): Promise<number> {
  if (options.eventstoreUrl !== undefined) return restrict(options.eventstoreUrl)
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

/** Who may do what in EventStoreDB, set by an administrator. */
async function restrict(url: string): Promise<number> {
  if (!/^esdb(\+discover)?:\/\//.test(url)) {
    throw new UsageError('--eventstore-url must start with esdb:// or esdb+discover://')
  }
  await restrictEventStoreDb(url)
  process.stdout.write(
    `Administrators alone delete streams or limit what they keep; the group ${WRITERS} appends and reads.\n` +
      `Make a login of that group, which is no administrator, and serve with it in EVENTSTORE_URL.\n`,
  )
  return 0
}

const LOGINS = `
Make the logins, once, with passwords of your own:
  CREATE ROLE ledger_app LOGIN PASSWORD '…' IN ROLE ledger_writer, ledger_projector;
  CREATE ROLE ledger_reports LOGIN PASSWORD '…' IN ROLE ledger_analyst;
Then serve with DATABASE_URL=postgres://ledger_app:…@host/database
`
