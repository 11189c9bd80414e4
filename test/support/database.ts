import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { TEMPLATE, withDatabase } from './global-setup.ts'

/** A migrated database of one test file's own. */
export type TestDatabase = Readonly<{
  ownerUrl: string
  runtimeUrl: string
  /** Runs SQL as the superuser. */
  query<R extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<R[]>
  /** Runs SQL as the superuser, from outside this database. */
  admin(text: string, values?: unknown[]): Promise<unknown>
  drop(): Promise<void>
}>

export async function createDatabase(): Promise<TestDatabase> {
  const name = `t_${randomBytes(6).toString('hex')}`
  await asOwner(inject('ownerUrl'), (owner) =>
    owner.query(`create database ${name} template ${TEMPLATE}`),
  )
  // Privileges on a database itself are not copied with a template.
  const ownerUrl = withDatabase(inject('ownerUrl'), name)
  await asOwner(ownerUrl, (owner) =>
    owner.query(`grant create on database ${name} to ledger_owner, ledger_projector`),
  )
  return {
    ownerUrl,
    runtimeUrl: withDatabase(inject('runtimeUrl'), name),
    query: (text, values = []) =>
      asOwner(ownerUrl, async (owner) => (await owner.query(text, values)).rows),
    admin: (text, values = []) => asOwner(inject('ownerUrl'), (owner) => owner.query(text, values)),
    drop: () =>
      asOwner(inject('ownerUrl'), async (owner) => {
        await owner.query(`drop database ${name} with (force)`)
      }),
  }
}

/** An empty database of one test file's own, on the server of this superuser. */
export async function createEmptyDatabase(serverUrl: string): Promise<TestDatabase> {
  const name = `t_${randomBytes(6).toString('hex')}`
  const admin: TestDatabase['admin'] = (text, values = []) =>
    asOwner(serverUrl, (owner) => owner.query(text, values))
  await admin(`create database ${name}`)
  const ownerUrl = withDatabase(serverUrl, name)
  return {
    ownerUrl,
    runtimeUrl: ownerUrl,
    admin,
    query: (text, values = []) =>
      asOwner(ownerUrl, async (owner) => (await owner.query(text, values)).rows),
    async drop() {
      await admin(`drop database ${name} with (force)`)
    },
  }
}

async function asOwner<T>(url: string, use: (owner: pg.Client) => Promise<T>): Promise<T> {
  const owner = new pg.Client({ connectionString: url })
  await owner.connect()
  try {
    return await use(owner)
  } finally {
    await owner.end()
  }
}
