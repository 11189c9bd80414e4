import { describe, expect, it } from 'vitest'
import {
  attach,
  freshDataDir,
  postmasterPid,
  query,
  start,
  usedDataDir,
} from '../support/embedded-home.ts'

describe('an errand', () => {
  it('on a fresh directory makes the database, and stops it afterwards', async () => {
    const dataDir = freshDataDir()
    const errand = await attach(dataDir)
    expect(await query(errand.ownerUrl, 'select 1 as n')).toEqual([{ n: 1 }])
    await Promise.all([errand.release(), errand.release()])
    expect(postmasterPid(dataDir)).toBeUndefined()
  })

  it('joins a server in use without disturbing it', async () => {
    const dataDir = await usedDataDir()
    const postgres = await start(dataDir)
    const errand = await attach(dataDir)
    expect([errand.ownerUrl, errand.runtimeUrl]).toEqual([postgres.ownerUrl, postgres.runtimeUrl])
    await errand.release()
    expect(await query(postgres.runtimeUrl, 'select 1 as n')).toEqual([{ n: 1 }])
    await postgres.stop()
  })

  it('leaves its server to whoever serves the directory in the meantime', async () => {
    const dataDir = await usedDataDir()
    const errand = await attach(dataDir)
    const postgres = await start(dataDir)
    expect(postgres.adopted).toBe(true)
    await errand.release()
    expect(await query(postgres.ownerUrl, 'select 1 as n')).toEqual([{ n: 1 }])
    await postgres.stop()
  })

  it('beside another one leaves the server to the last', async () => {
    const dataDir = await usedDataDir()
    const [one, two] = await Promise.all([attach(dataDir), attach(dataDir)])
    await one.release()
    expect(await query(two.ownerUrl, 'select 1 as n')).toEqual([{ n: 1 }])
    await two.release()
    expect(postmasterPid(dataDir)).toBeUndefined()
  })

  it('survives that the server was stopped under it', async () => {
    const dataDir = await usedDataDir()
    const postgres = await start(dataDir)
    const errand = await attach(dataDir)
    await postgres.stop()
    await errand.release()
  })
})
