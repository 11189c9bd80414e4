import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { createEmptyDatabase, type TestDatabase } from './database.ts'

export type Login = Readonly<{ name: string; url: string }>

/** A database that dry runs may read, and the logins that a test makes for it. */
export type SqlSource = Readonly<{
  database: TestDatabase
  /** SELECT on what `schema` has at that time, and nothing else. */
  reader(schema: string): Promise<Login>
  /** A login with these options of CREATE ROLE. */
  login(options?: string): Promise<Login>
  drop(): Promise<void>
}>

/** The servers that a source is tried on, by what they are called in a test. */
export const sqlServers = (): readonly (readonly [name: string, url: string])[] => {
  const systemUrl = inject('systemUrl')
  const bundled = ['the bundled Postgres', inject('ownerUrl')] as const
  return systemUrl === null ? [bundled] : [bundled, ['the Postgres of this system', systemUrl]]
}

export async function createSqlSource(serverUrl = inject('ownerUrl')): Promise<SqlSource> {
  const database = await createEmptyDatabase(serverUrl)
  const names: string[] = []
  const login = async (options = ''): Promise<Login> => {
    const name = `r_${randomBytes(6).toString('hex')}`
    await database.query(`create role ${name} login password 'read' ${options}`)
    names.push(name)
    const url = new URL(database.ownerUrl)
    url.username = name
    url.password = 'read'
    return { name, url: url.href }
  }
  return {
    database,
    login,
    async reader(schema) {
      const made = await login()
      await database.query(`grant usage on schema ${schema} to ${made.name};
        grant select on all tables in schema ${schema} to ${made.name}`)
      return made
    },
    async drop() {
      const roles = names.join(', ')
      if (roles !== '') await database.query(`drop owned by ${roles}; drop role ${roles}`)
      await database.drop()
    },
  }
}
