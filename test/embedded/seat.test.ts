import { expect, it } from 'vitest'
import { locatePackage, usablePrograms } from '../../src/embedded/binaries.ts'
import { type Cluster, openCluster } from '../../src/embedded/cluster.ts'
import { openHome } from '../../src/embedded/home.ts'
import { DirectoryInUse } from '../../src/embedded/index.ts'
import { stopPostmaster } from '../../src/embedded/postmaster.ts'
import { announceUrl, takeSeat } from '../../src/embedded/seat.ts'
import { leave } from '../../src/embedded/session.ts'
import { usedDataDir } from '../support/embedded-home.ts'

async function cluster(): Promise<Cluster> {
  const home = await openHome(await usedDataDir())
  const native = await usablePrograms(locatePackage(), home.dataDir, home.account)
  return openCluster(home, native, false)
}

it('a seat that our own lost connection still holds is waited for, anybody else’s is not', async () => {
  const here = await cluster()
  const lost = await takeSeat(here)
  await announceUrl(lost.client, 'http://127.0.0.1:4400')
  await expect(takeSeat(here)).rejects.toBeInstanceOf(DirectoryInUse)
  const again = takeSeat(here, { lostBackendPid: lost.backendPid })
  const first = await Promise.race([again, lost.client.query('select pg_sleep(0.2)')])
  expect(first).toHaveProperty('rows')
  await leave(lost.client)
  const seat = await again
  expect(seat.backendPid).not.toBe(lost.backendPid)
  await stopPostmaster(here)
  await leave(seat.client)
})

it('a URL that an earlier holder of the seat has stored is nobody’s', async () => {
  const here = await cluster()
  const earlier = await takeSeat(here)
  // The backends to come, as numbers repeat in a restarted container.
  await earlier.client.query(
    `insert into serving select pid, 'http://127.0.0.1:4400' from generate_series($1::int, $1::int + 1000) pid`,
    [earlier.backendPid],
  )
  await leave(earlier.client)
  const silent = await takeSeat(here)
  expect((await silent.client.query('select url from serving')).rows).toEqual([])
  const refused = expect(takeSeat(here)).rejects.toThrow(/serves it at http:\/\/127.0.0.1:4499/)
  await announceUrl(silent.client, 'http://127.0.0.1:4499')
  await refused
  await stopPostmaster(here)
  await leave(silent.client)
})
