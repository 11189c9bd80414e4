/** The direction rules of docs/ARCHITECTURE.md. test/house/layers.test.ts plants a violation of each. */
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { pathNot: allowed },
})
const local = (...rooms) => [
  ...rooms.map((room) => `^${room}`),
  '^node_modules/',
  '^(node:)?[a-z_]+$',
  '^(node:)?[a-z_]+/[a-z_]+$',
]
/** What every room may see beside the domain. */
const SHARED =
  'src/((ports|identity|errors|until-known|in-groups|within|token-buckets|turns|comma-list|http-allow|whole-commits|one-time-key|console-files)\\.ts$|strict-json/)'

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'not-to-test', severity: 'error', from: { pathNot: '^test/' }, to: { path: '^test/' } },
    only('domain-is-closed', '^domain/', ['^domain/']),
    only('projections-see-the-domain', '^projections/([^/]+)/', [
      '^domain/',
      '^projections/$1/',
      '^projections/[^/]+\\.ts$',
    ]),
    only('projection-types-see-the-domain', '^projections/[^/]+\\.ts$', [
      '^domain/',
      '^projections/[^/]+\\.ts$',
    ]),
    only(
      'shared-files-see-the-domain',
      '^src/(?!(?:main|readiness|wiring|sample-source|projector-thread|direct|start-error)\\.ts$)[^/]+\\.ts$',
      local('domain/', 'src/[^/]+\\.ts$'),
    ),
    only(
      'strict-json-sees-the-domain',
      '^src/strict-json/',
      local('domain/', 'src/errors\\.ts$', 'src/strict-json/'),
    ),
    only('use-cases-see-ports', '^src/(dispatch|control)/', local('domain/', SHARED, 'src/$1/')),
    only(
      'adapters-see-ports',
      '^src/(facts|executors|stores|embedded|access|analytics|telemetry)/',
      local('domain/', SHARED, 'src/$1/'),
    ),
    only(
      'the-toolkit-stands-alone',
      '^src/dry-run/',
      local('src/dry-run/', 'src/comma-list\\.ts$'),
    ),
    only(
      'the-console-asks-over-http',
      '^src/console/',
      local('domain/', 'src/errors\\.ts$', 'src/console/'),
    ),
    only(
      'readers-see-projections',
      '^src/(projector|audit)/',
      local('domain/', 'projections/', SHARED, 'src/$1/'),
    ),
    only(
      'stores-are-independent',
      '^src/stores/([^/]+)/',
      local('domain/', SHARED, 'src/stores/$1/'),
    ),
    {
      // The names of scopes, roles and fields are words that doors speak, not an adapter.
      name: 'doors-see-no-adapter',
      severity: 'error',
      from: { path: '^src/(http|cli|client)/', pathNot: '^src/cli/main\\.ts$' },
      to: {
        path: '^(projections|src/(stores|executors|facts|embedded|access|analytics|projector|audit|console))/',
        pathNot: '^(src/access/scopes|projections/[^/]+/fields)\\.ts$',
      },
    },
    {
      // Who sees the root sees everything; direct.ts, readiness.ts, start-error.ts, wiring.ts, sample-source.ts and projector-thread.ts are parts of it.
      name: 'the-cli-alone-sees-the-root',
      severity: 'error',
      from: {
        pathNot:
          '^(src/(main|readiness|wiring|sample-source|projector-thread|direct|start-error)\\.ts$|src/cli/|test/)',
      },
      to: {
        path: '^src/(main|readiness|wiring|sample-source|projector-thread|direct|start-error)\\.ts$',
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
}
