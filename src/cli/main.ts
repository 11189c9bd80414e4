#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander'
import { packageVersion } from '../package.ts'
import { EXIT } from './exit.ts'
import { run } from './run.ts'

/** Commands are loaded when they run: `--help` needs no server, no database and no schema. */
const program = new Command('dispatch-ledger')
  .description('The ledger that proves a dry run was dry.')
  .version(packageVersion())
  .exitOverride()
  .showSuggestionAfterError()
  .configureHelp({ showGlobalOptions: true })
  .addHelpText(
    'after',
    '\nExit codes: 0 yes, 1 no (refused, would_fail), 2 wrong usage, 3 could not tell.',
  )

/** A command with the options that every command has. */
function command(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .exitOverride()
    .option('--json', 'print the answers as JSON, one a line')
    .option('--url <url>', 'the server (LEDGER_URL, else http://127.0.0.1:4400)')
    .option('--key-file <file>', 'the access key (LEDGER_KEY, LEDGER_KEY_FILE, else admin.key)')
}

/** What every list takes. */
const listing = (name: string, description: string): Command =>
  command(program, name, description)
    .option('--filter <filter>', 'which, as verdict = would_fail AND contract.id = shop.check')
    .option('--order-by <fields>', 'in which order, as "changedAt desc"')
    .option('--namespace <prefix>', 'only what belongs to this namespace or lies below it')
    .option('--page-size <n>', 'how many, at most 1000')

const databaseUrl = () => new Option('--database-url <url>', 'the database, as its owner')

command(program, 'serve', 'run the server').action(() =>
  run(async () => (await import('./serve.ts')).serve()),
)
command(program, 'demo', 'start, dispatch the sample catalogue for real, show every outcome')
  .option('--keep', 'keep the data directory, and say how to serve it')
  .option('--database <url>', 'run the health checks on this Postgres, by a login that only reads')
  .action((options) => run(async () => (await import('./demo.ts')).demo(options)))
command(program, 'migrate', 'bring the schema of an external database up to date')
  .addOption(databaseUrl())
  .option(
    '--eventstore-url <url>',
    'instead: set who may do what in EventStoreDB, as an administrator',
  )
  .action((options) => run(async () => (await import('./operate.ts')).migrate(options)))

command(
  program,
  'doctor',
  'look at the configuration, the database, its roles, the clocks and the sources',
)
  .option('--source <name>', 'look at one source of LEDGER_SQL_SOURCES, and say why it will do')
  .option('--sql', 'with --source: print the statements that make a login which can only read')
  .action((options) => run(async () => (await import('./doctor.ts')).doctor(options)))

command(program, 'dispatch', 'dispatch one command, a JSON array or NDJSON; - is standard input')
  .argument('<file>')
  .option('--mode <mode>', 'PLAN_ONLY, VERIFY_ONLY or DRY_RUN, instead of the file’s')
  .action((file, options) =>
    run(async () => (await import('./dispatch.ts')).dispatch(file, options)),
  )
command(program, 'explain', 'gate by gate: would it pass now, or why it stands where it stands')
  .argument('<file-or-id>')
  .action((what, options) => run(async () => (await import('./explain.ts')).explain(what, options)))
command(program, 'id', 'compute dispatch ids, offline')
  .argument('<file>')
  .action((file, options) => run(async () => (await import('./id.ts')).id(file, options)))

command(program, 'self-test', 'show every gate of the server what it must refuse').action(
  (options) => run(async () => (await import('./self-test.ts')).selfTest(options)),
)

command(program, 'show', 'one dispatch, with the gates behind every event')
  .argument('<id>')
  .action((id, options) => run(async () => (await import('./read.ts')).show(id, options)))
listing('list', 'the dispatches, the last opened first').action((options) =>
  run(async () => (await import('./read.ts')).list(options)),
)
listing('refusals', 'the recorded refusals, the last first').action((options) =>
  run(async () => (await import('./read.ts')).refusals(options)),
)
command(program, 'events', 'every event, in order')
  .option('--after <position>', 'only later ones')
  .option('--type <type>', 'only this type')
  .option('--follow', 'go on with what comes, until it is stopped')
  .action((options) => run(async () => (await import('./read.ts')).events(options)))

const kill = command(program, 'switch', 'the kill switch').action((options) =>
  run(async () => (await import('./switch.ts')).showSwitch(options)),
)
command(kill, 'set', 'set it: DRY_RUN_ONLY or HALTED; returns once it is in force everywhere')
  .argument('<state>')
  .requiredOption('--reason <text>', 'why, for everybody who reads the log')
  .option('--scope <scope>', 'executor:<type> or contract:<id>, instead of global')
  .option('--direct', 'halt through the database itself: no server and no key are needed')
  .action((state, _, set) =>
    run(async () => {
      const options = set.optsWithGlobals()
      return options.direct
        ? (await import('./halt-directly.ts')).haltThroughStore(state, options)
        : (await import('./switch.ts')).setSwitch(state, options)
    }),
  )

const catalogue = program.command('catalogue').description('contracts, fixtures and targets')
command(catalogue, 'apply', 'register the manifests of a folder or file')
  .argument('<dir>')
  .option('--check', 'only say what would happen')
  .action((dir, options) => run(async () => (await import('./catalogue.ts')).apply(dir, options)))
command(catalogue, 'list', 'every registered version').action((options) =>
  run(async () => (await import('./catalogue.ts')).listCatalogue(options)),
)
command(catalogue, 'retire', 'retire one version for ever')
  .argument('<kind>')
  .argument('<id>')
  .argument('<version>')
  .action((kind, id, version, options) =>
    run(async () => (await import('./catalogue.ts')).retire([kind, id, version], options)),
  )

command(program, 'projections', 'the read models: how far each is, and what keeps it').action(
  (options) => run(async () => (await import('./read.ts')).projections(options)),
)

const keys = program.command('keys').description('access keys')
command(keys, 'create', 'make a key and print it, this once')
  .requiredOption('--name <name>', 'what it is for')
  .option('--role <role>', 'dispatcher, auditor, analyst, operator, catalogue-owner or admin')
  .option('--scope <scope...>', 'more scopes')
  .option('--namespace <prefix...>', 'limit its dispatches to output namespaces, DRYRUN-NS:…')
  .option('--expires <date>', 'when it ends, ISO 8601')
  .option('--direct', 'without a server: in the database of the data directory')
  .addOption(databaseUrl())
  .action((options) => run(async () => (await import('./keys.ts')).createKey(options)))
command(keys, 'list', 'every key, the last made first; never a secret').action((options) =>
  run(async () => (await import('./keys.ts')).listKeys(options)),
)
command(keys, 'revoke', 'revoke a key for ever, by its id or its text')
  .argument('<id>')
  .action((id, options) => run(async () => (await import('./keys.ts')).revokeKey(id, options)))

command(program, 'copy', 'move a ledger between stores, and compare both at the end')
  .option('--from <url>', 'the store that has it: postgres://… or esdb://…')
  .option('--to <url>', 'an empty one: postgres://… as its owner, or esdb://…')
  .option('--from-prefix <prefix>', 'of the streams in an EventStoreDB that holds more')
  .option('--to-prefix <prefix>', 'the same for the other')
  .action((options) => run(async () => (await import('./copy.ts')).copy(options)))

try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? EXIT.yes : EXIT.usage
}
