import { randomBytes } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import pg from 'pg'
import type { Config } from './config.ts'
import { attachEmbeddedPostgres } from './embedded/index.ts'

const DATABASE = 'sample'
const READER = 'sample_reader'
const WRITER = 'sample_writer'

/** A schema of the sample database, and the SQL that makes it and what is in it. */
export type SampleSchema = Readonly<{ schema: string; sql: string }>

/** A database with sample data, on the bundled server of a data directory. */
export type SampleSource = Readonly<{
  /** Of a login that may read the schemas and nothing else. */
  readerUrl: string
  /** Of a login that may write their rows, as a service does that owns them. */
  writerUrl: string
  /** The server stays up only while somebody else uses it, too. */
  release(): Promise<void>
}>

export async function makeSampleSource(
  { dataDir }: Pick<Config, 'dataDir'>,
  log: FastifyBaseLogger,
  schemas: readonly SampleSchema[],
): Promise<SampleSource> {
  const { ownerUrl, release } = await attachEmbeddedPostgres({ dataDir, log })
  try {
    const password = randomBytes(24).toString('hex')
    await asOwner(ownerUrl, `create database ${DATABASE}`)
    const database = at(ownerUrl, { pathname: `/${DATABASE}` })
    await asOwner(
      database,
      `create role ${READER} login password '${password}';
      create role ${WRITER} login password '${password}'`,
    )
    for (const { schema, sql } of schemas) {
      await asOwner(
        database,
        `${sql};
        grant usage on schema ${schema} to ${READER}, ${WRITER};
        grant select on all tables in schema ${schema} to ${READER};
        grant select, insert, update, delete on all tables in schema ${schema} to ${WRITER}`,
      )
    }
    const urlOf = (username: string) => at(database, { username, password })
    return { readerUrl: urlOf(READER), writerUrl: urlOf(WRITER), release }
  } catch (error) {
    await release()
    throw error
  }
}

async function asOwner(url: string, sql: string): Promise<void> {
  const owner = new pg.Client({ connectionString: url })
  await owner.connect()
  try {
    await owner.query(sql)
  } finally {
    await owner.end()
  }
}

const at = (url: string, change: Partial<Pick<URL, 'pathname' | 'username' | 'password'>>) =>
  Object.assign(new URL(url), change).href
