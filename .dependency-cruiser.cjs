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
    only(
      'ports-see-the-domain',
      '^src/(ports|identity)\\.ts$',
      local('domain/', 'src/identity\\.ts$'),
    ),
    only(
      'use-cases-see-ports',
      '^src/(dispatch|control)/',
      local('domain/', 'src/(ports|identity|errors|until-known)\\.ts$', 'src/$1/'),
    ),
    only(
      'adapters-see-ports',
      '^src/(facts|executors|stores|embedded|access)/',
      local('domain/', 'src/(ports|identity|errors|until-known)\\.ts$', 'src/$1/'),
    ),
    only(
      'readers-see-projections',
      '^src/(projector|audit)/',
      local('domain/', 'projections/', 'src/(ports|identity|errors|until-known)\\.ts$', 'src/$1/'),
    ),
    only(
      'stores-are-independent',
      '^src/stores/([^/]+)/',
      local('domain/', 'src/(ports|identity|errors|until-known)\\.ts$', 'src/stores/$1/'),
    ),
    {
      name: 'doors-see-no-adapter',
      severity: 'error',
      from: { path: '^src/(http|cli|client)/', pathNot: '^src/cli/main\\.ts$' },
      to: { path: '^src/(stores|executors|facts|embedded|projector|audit)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
}
