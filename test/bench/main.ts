import { appendSection } from './append.ts'
import { cpuSection } from './cpu-section.ts'
import { eventStoreDbSection } from './eventstoredb.ts'
import { type Line, report } from './figures.ts'
import { growthSection } from './growth.ts'
import { httpSection } from './http.ts'
import { httpExecutorSection } from './http-executor.ts'
import { type Lab, openLab } from './lab.ts'
import { latencySection } from './latency.ts'
import { listsSection } from './lists.ts'
import { memorySection } from './memory.ts'
import { replaySection } from './replay.ts'
import { sqlReadSection } from './sql-read.ts'

/** In this order: what comes later works on a larger log. */
const SECTIONS: Readonly<Record<string, (lab: Lab) => Promise<readonly Line[]>>> = {
  cpu: cpuSection,
  latency: latencySection,
  http: httpSection,
  'sql-read': sqlReadSection,
  'http-executor': httpExecutorSection,
  eventstoredb: eventStoreDbSection,
  lists: listsSection,
  replay: replaySection,
  append: appendSection,
  memory: memorySection,
  growth: growthSection,
}

// The loader of sources turns them on: every error that a package makes would cost what it costs in no use.
process.setSourceMapsEnabled(false)

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !Object.hasOwn(SECTIONS, name))
if (unknown.length > 0) {
  process.stderr.write(
    `No section ${unknown.join(', ')}: there are ${Object.keys(SECTIONS).join(', ')}\n`,
  )
  process.exit(2)
}
const lab = await openLab()
let met = true
try {
  for (const [name, measure] of Object.entries(SECTIONS)) {
    if (asked.length > 0 && !asked.includes(name)) continue
    met = report(name, await measure(lab)) && met
  }
} finally {
  await lab.close()
}
process.exitCode = met ? 0 : 1
