import { randomBytes } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import pg from 'pg'
import type { Config } from './config.ts'
import { attachEmbeddedPostgres } from './embedded/index.ts'

const DATABASE = 'sample'
const READER = 'sample_reader'

/** A database for dry runs to read, on the bundled server of a data directory. */
export type SampleSource = Readonly<{
  /** Of a login that may read the schema and nothing else. */
  url: string
  /** The server stays up only while somebody else uses it, too. */
  release(): Promise<void>
}>

/** Makes the sample database: `schemaSql` makes the schema `schema` and what is in it. */
export async function makeSampleSource(
  { dataDir }: Pick<Config, 'dataDir'>,
  log: FastifyBaseLogger,
  { schema, schemaSql }: Readonly<{ schema: string; schemaSql: string }>,
): Promise<SampleSource> {
  const { ownerUrl, release } = await attachEmbeddedPostgres({ dataDir, log })
  try {
    const password = randomBytes(24).toString('hex')
    await asOwner(ownerUrl, `create database ${DATABASE}`)
    await asOwner(
      at(ownerUrl, { pathname: `/${DATABASE}` }),
      `${schemaSql}
      create role ${READER} login password '${password}';
      grant usage on schema ${schema} to ${READER};
      grant select on all tables in schema ${schema} to ${READER}`,
    )
    const url = at(ownerUrl, { pathname: `/${DATABASE}`, username: READER, password })
    return { url, release }
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
