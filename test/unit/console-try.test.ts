import { execFileSync } from 'node:child_process'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ContractBody } from '../../domain/control/manifest.ts'
import type { AskedCommand } from '../../domain/dispatch/command.ts'
import { identityText } from '../../domain/identity.ts'
import { ApiProblem, type Gate, type Problem, Unreachable } from '../../src/console/api.ts'
import {
  firstNamespace,
  groupsOf,
  type Listed,
  shelvesOf,
  targetsFor,
  usualVersion,
} from '../../src/console/try/catalogue.ts'
import { bodyOf, commandText, shellQuoted } from '../../src/console/try/commands.ts'
import { emptyDraft, readDraft, writeDraft } from '../../src/console/try/draft.ts'
import { identify as identifyInBrowser } from '../../src/console/try/identity.ts'
import { outlookOf, paramsErrorsOf } from '../../src/console/try/outlook.ts'
import {
  eventsOf,
  outcomeOf,
  type RecordedBody,
  replyOf,
  statusOf,
} from '../../src/console/try/send.ts'
import { chosenOf, trialOf } from '../../src/console/try/trial.ts'
import { identify } from '../../src/identity.ts'
import { command, jsonObject } from '../support/arbitraries.ts'
import { sampleContract } from '../support/sample.ts'

const URL_OF_SERVER = 'http://127.0.0.1:4400'
const asked = (more: Partial<AskedCommand> = {}): AskedCommand => ({
  contract: { id: 'iu.cut', version: 4 },
  target: 'iu-cutter/rfc-6962',
  params: { say: 'dry' },
  outputNamespace: 'DRYRUN-NS:try/iu.cut',
  occurrence: '',
  mode: 'DRY_RUN',
  ...more,
})
const HOSTILE = [
  `it's`,
  `'; rm -rf /; '`,
  '$(id) `id` $HOME',
  '\\n \\" \\\\',
  '%s %d',
  'a\nb\tc',
  '</script><img src=x>',
  '👩‍💻\u2028\u202e',
  '@/etc/passwd',
]

describe('the identity that the browser computes', () => {
  it('is the one that the server computes, for any command', () =>
    fc.assert(
      fc.asyncProperty(command, async (one) => {
        expect(await identifyInBrowser(identityText(one))).toEqual(identify(one))
      }),
      { numRuns: 300 },
    ))

  it('is none where the page may not hash', async () => {
    expect(await identifyInBrowser('text', null)).toBeNull()
  })
})

describe('the command to copy', () => {
  /** What a shell makes of a command line, with the program replaced by one that prints its words. */
  const wordsOf = (line: string): readonly string[] =>
    execFileSync('sh', ['-c', line], { encoding: 'utf8' }).split('\0').slice(0, -1)

  it('as curl sends exactly the same command, whatever is in it', () => {
    const one = asked({ params: { list: HOSTILE }, occurrence: 'again' })
    const text = commandText('curl', one, URL_OF_SERVER)
    const words = wordsOf(text.replace('curl', `printf '%s\\0'`))
    expect(words.slice(0, 2)).toEqual(['-sS', `${URL_OF_SERVER}/v1/dispatches`])
    expect(JSON.parse(words.at(-1) ?? '')).toEqual(one)
  })

  it('for the command line sends exactly the same command, whatever is in it', () => {
    const one = asked({ params: { list: HOSTILE } })
    const text = commandText('CLI', one, URL_OF_SERVER)
    expect(text).toMatch(/\| dispatch-ledger dispatch -$/)
    const { occurrence: _, ...same } = one
    const printed = execFileSync('sh', ['-c', text.replace('dispatch-ledger dispatch -', 'cat')])
    expect(JSON.parse(String(printed))).toEqual(same)
  })

  it('in TypeScript holds exactly the same command', () => {
    const one = asked({ params: { list: HOSTILE }, mode: 'REAL_RUN' })
    const text = commandText('TypeScript', one, URL_OF_SERVER)
    const argument = /ledger\.dispatch\(([^]*)\)\nif/.exec(text)?.[1]
    expect(JSON.parse(argument ?? '')).toEqual(bodyOf(one))
  })

  it('quotes any text as one word of a shell', () => {
    expect(wordsOf(`printf '%s\\0' ${HOSTILE.map(shellQuoted).join(' ')}`)).toEqual(HOSTILE)
  })

  it('leaves an empty occurrence out', () => {
    expect(bodyOf(asked())).not.toHaveProperty('occurrence')
    expect(bodyOf(asked({ occurrence: 'x' }))).toHaveProperty('occurrence', 'x')
  })
})

describe('the address of a draft', () => {
  it('gives the same draft back', () =>
    fc.assert(
      fc.property(jsonObject, fc.string({ maxLength: 20 }), (params, occurrence) => {
        const draft = { ...emptyDraft('iu.cut@4'), target: 'iu-cutter/x', occurrence, params }
        const { query, isWhole } = writeDraft(draft)
        fc.pre(isWhole && occurrence.isWellFormed())
        expect(readDraft(new URLSearchParams(query))).toEqual({ draft, wrong: null })
      }),
    ))

  it('stays short: params that are too long are left out, and that is said', () => {
    const draft = { ...emptyDraft('iu.cut@4'), params: { text: 'x'.repeat(65_536) } }
    expect(writeDraft(draft)).toEqual({ query: 'contract=iu.cut%404', isWhole: false })
  })

  it.each([
    ['{', /not JSON/],
    ['[1]', /not an object/],
    ['"x"', /not an object/],
    ['{"n":9007199254740993}', /cannot be kept exactly/],
    [`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`, /more than 32 levels/],
  ])('with the params %s begins the form anew, and says why', (params, why) => {
    const { draft, wrong } = readDraft(new URLSearchParams({ contract: 'a@1', params }))
    expect(draft).toEqual(emptyDraft('a@1'))
    expect(wrong).toMatch(why)
  })
})

const listed = (id: string, version: number, more: Partial<Listed> = {}): Listed => ({
  kind: 'Contract',
  id,
  version,
  executor: 'simulator',
  targets: 'iu-cutter/*',
  retired: false,
  ...more,
})

describe('the contracts to pick from', () => {
  const sql = { executor: 'sql-read', targets: 'iu-command/*' }
  const shelves = shelvesOf([
    listed('iu.cut', 1),
    listed('iu.move', 1, sql),
    listed('iu.cut', 10),
    listed('iu.cut', 9),
    listed('iu.anchor', 1),
  ])

  it('are grouped by runner and executor, a shelf for an id, the newest version first', () => {
    const groups = groupsOf(shelves, '')
    expect(groups.map(({ title, shelves: of }) => [title, of.map(({ id }) => id)])).toEqual([
      ['iu-cutter · simulator', ['iu.anchor', 'iu.cut']],
      ['iu-command · sql-read', ['iu.move']],
    ])
    expect(shelves[0]?.versions.map((it) => it.version)).toEqual([10, 9, 1])
  })

  it.each([
    ['CUT', ['iu.anchor', 'iu.cut']],
    [' sql ', ['iu.move']],
    ['iu.mo', ['iu.move']],
    ['nothing', []],
  ])('are found by %s, in the id, the runner or the executor', (find, ids) => {
    const found = groupsOf(shelves, find).flatMap((it) => it.shelves.map(({ id }) => id))
    expect(found).toEqual(ids)
  })

  it('mean the newest version that is not retired, or the newest', () => {
    const usual = (...retired: boolean[]): number | undefined => {
      const versions = retired.map((it, at) => listed('a', at + 1, { retired: it }))
      const [shelf] = shelvesOf(versions)
      return shelf && usualVersion(shelf).version
    }
    expect(usual(false, false)).toBe(2)
    expect(usual(false, true)).toBe(1)
    expect(usual(true, true)).toBe(2)
  })

  it('go to targets that are matched, of their executor type, and not retired', () => {
    const target = (id: string, more: Partial<Listed> = {}) =>
      listed(id, 1, { kind: 'Target', ...more })
    const registered = [
      target('iu-cutter/b'),
      target('iu-cutter/a'),
      target('iu-cutter/a', { version: 2 }),
      target('iu-cutter/a/deep'),
      target('iu-cutter/sql', { executor: 'sql-read' }),
      target('iu-cutter/gone', { retired: true }),
      target('other/a'),
    ]
    const contract = { targets: 'iu-cutter/*', executor: 'simulator' }
    expect(targetsFor(contract, registered)).toEqual(['iu-cutter/a', 'iu-cutter/b'])
  })

  it('are named by a link, the first one where it names none, and none where there is no such one', () => {
    const named = (reference: string | null) => chosenOf(shelves, reference)?.listed
    expect(named('iu.cut@9')).toMatchObject({ id: 'iu.cut', version: 9 })
    expect(named(null)).toMatchObject({ id: 'iu.anchor', version: 1 })
    for (const wrong of ['iu.cut@2', 'other@1', 'iu.cut', 'iu.cut@', '', '<img>@1']) {
      expect(named(wrong)).toBeUndefined()
    }
    expect(chosenOf([], null)).toBeNull()
  })

  it('write to a place that the key may use', () => {
    expect(firstNamespace([], 'iu.cut')).toBe('DRYRUN-NS:try/iu.cut')
    expect(firstNamespace(['DRYRUN-NS:team-a'], 'deep/iu.cut')).toBe('DRYRUN-NS:team-a/iu.cut')
  })
})

describe('the command of a draft', () => {
  const contract = sampleContract as unknown as ContractBody
  const { targets, executor } = contract
  const here = {
    registered: [listed('sample/one', 1, { kind: 'Target', executor })],
    prefixes: ['DRYRUN-NS:team'],
  }
  const reference = `${contract.id}@${contract.version}`

  it('is filled in where the draft leaves it open', () => {
    const trial = trialOf(contract, emptyDraft(reference), here)
    expect(targets).toBe('sample/*')
    expect(trial.command).toEqual({
      contract: { id: contract.id, version: contract.version },
      target: 'sample/one',
      params: contract.baseline?.[0]?.params,
      outputNamespace: `DRYRUN-NS:team/${contract.id}`,
      occurrence: '',
    })
  })

  it('is what the draft says where it says something, right or wrong', () => {
    const draft = {
      contract: reference,
      target: 'other/x',
      namespace: '',
      occurrence: '?',
      params: { say: 5 },
    }
    const { command: made } = trialOf(contract, draft, here)
    expect(made).toMatchObject({
      target: 'other/x',
      params: { say: 5 },
      outputNamespace: '',
      occurrence: '?',
    })
  })

  it('begins with the pattern where no target is registered', () => {
    const bare = { ...here, registered: [] }
    expect(trialOf(contract, emptyDraft(reference), bare).command.target).toBe('sample/')
  })
})

describe('the reply to a dispatch', () => {
  const problem = (more: Partial<Problem>) => new ApiProblem(more as Problem, 7)

  it('is a refusal where the ledger says what it recorded', () => {
    const reply = replyOf(problem({ recorded: 'event', status: 422, eventsAppended: 1 }))
    expect(reply).toMatchObject({ kind: 'refused', position: 7 })
    expect([outcomeOf(reply), statusOf(reply), eventsOf(reply)]).toEqual(['refused', '422', 1])
    const door = replyOf(problem({ recorded: 'none', status: 413 }))
    expect([outcomeOf(door), eventsOf(door)]).toEqual(['refused', 0])
  })

  it.each([
    ['no answer', new Unreachable('The server does not answer'), '–', 'The server does not answer'],
    [
      'text of a gateway',
      new SyntaxError('Unexpected token'),
      '–',
      'What answered is not the ledger',
    ],
    ['JSON of a gateway', problem({ status: 502 }), '502', 'What answered is not the ledger'],
    ['nothing at all', new TypeError('null has no code'), '–', 'What answered is not the ledger'],
    [
      'a store that did not say',
      problem({ recorded: 'unknown', status: 503, title: 'The store did not answer' }),
      '503',
      'The store did not answer',
    ],
  ])('is unknown after %s', (_, error, status, why) => {
    const reply = replyOf(error)
    expect(reply).toMatchObject({ kind: 'unknown', why })
    expect([outcomeOf(reply), statusOf(reply), eventsOf(reply)]).toEqual(['unknown', status, null])
  })

  it('is what was recorded where there is something', () => {
    const body = { outcome: 'replayed', eventsAppended: 0 } as RecordedBody
    const reply = { kind: 'recorded', status: 200, body } as const
    expect([outcomeOf(reply), statusOf(reply), eventsOf(reply)]).toEqual(['replayed', '200', 0])
  })
})

describe('what a button says before it is pressed', () => {
  const gate = (name: string, outcome: Gate['outcome'], seen: unknown = null): Gate => ({
    gate: name,
    rule: 8,
    outcome,
    seen,
    required: '',
    revision: null,
  })
  const explained = (wouldAnswer: string, reached: 'Planned' | null, gates: Gate[] = []) => ({
    dispatchId: '',
    digest: '',
    wouldAnswer,
    reached,
    gates,
  })

  it.each([
    ['DRY_RUN', explained('created', null), 'would add 3 events', null],
    ['PLAN_ONLY', explained('created', null), 'would add 1 event', null],
    ['DRY_RUN', explained('advanced', 'Planned'), 'would add 2 events', null],
    ['PLAN_ONLY', explained('replayed', 'Planned'), 'would replay, 0 events', null],
    [
      'DRY_RUN',
      explained('params-invalid', null, [gate('params', 'fail')]),
      'adds at most 1 event',
      'params-invalid',
    ],
    [
      'DRY_RUN',
      explained('baseline-mismatch', null, [gate('mode', 'pass'), gate('baseline', 'fail')]),
      'adds at most 2 events',
      'baseline-mismatch',
    ],
    [
      'DRY_RUN',
      explained('baseline-mismatch', 'Planned', [gate('baseline', 'indeterminate')]),
      'adds at most 1 event',
      'baseline-mismatch',
    ],
  ] as const)('%s, where the server says %o: %s', (mode, explanation, says, refused) => {
    expect(outlookOf(mode, explanation)).toEqual({ says, refused })
  })

  it('knows what the gate params found, and nothing where it was not asked', () => {
    const errors = [{ path: '/a', keyword: 'type' }]
    expect(paramsErrorsOf([gate('params', 'fail', { valid: false, errors })])).toEqual(errors)
    expect(paramsErrorsOf([gate('params', 'not_evaluated')])).toEqual([])
    expect(paramsErrorsOf([])).toEqual([])
  })
})
