import { Agent, request } from 'node:http'
import type { Load } from './http.ts'
import type { Lab } from './lab.ts'
import type { Server } from './server.ts'

const CONNECTIONS = 64
const MS_PER_SECOND = 1_000

/**
 * Sends one request after the other at a fixed rate, whether the last was answered or not, and
 * gives the times from when each was due, in milliseconds, sorted. A generator that sends in
 * bursts, or that waits for answers, measures itself.
 */
export async function steady(
  server: Server,
  lab: Lab,
  load: Load,
  { rate, seconds }: Readonly<{ rate: number; seconds: number }>,
): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const startedMs = performance.now()
  const answers: Promise<number>[] = []
  while (answers.length < rate * seconds) {
    const dueMs = startedMs + (answers.length * MS_PER_SECOND) / rate
    if (dueMs > performance.now()) await new Promise((resolve) => setTimeout(resolve, 1))
    else answers.push(send(server, lab, load, agent).then(() => performance.now() - dueMs))
  }
  const times = await Promise.all(answers)
  agent.destroy()
  return times.toSorted((a, b) => a - b)
}

function send(server: Server, lab: Lab, load: Load, agent: Agent): Promise<void> {
  const headers = { authorization: `Bearer ${lab.key}`, 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const sent = request(`${server.url}${load.path}`, { method: 'POST', agent, headers })
    sent.once('error', reject)
    sent.once('response', (response) => {
      response.resume()
      response.once('end', () =>
        (response.statusCode ?? 500) < 300
          ? resolve()
          : reject(new Error(`a request was answered ${response.statusCode}`)),
      )
    })
    sent.end(load.body())
  })
}
