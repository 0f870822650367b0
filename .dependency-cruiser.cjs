/** The import arrow is the request arrow: a room may import only rooms further right. */
const ROOMS = [
  'proxy',
  'client',
  'transports',
  'sessions',
  'router',
  'providers',
  'components',
  'protocol',
  'util',
  'runtime',
]

module.exports = {
  forbidden: [
    ...ROOMS.slice(1).map((room, index) => ({
      name: `${room}-imports-no-room-to-its-left`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: `^src/(${ROOMS.slice(0, index + 1).join('|')})/` },
    })),
    {
      name: 'rooms-do-not-know-the-top',
      comment: 'errors.ts is the one table that every room may read.',
      severity: 'error',
      from: { path: `^src/(${ROOMS.join('|')})/` },
      to: { path: '^src/[^/]+\\.ts$', pathNot: '^src/errors\\.ts$' },
    },
    {
      name: 'nobody-needs-a-leaf',
      comment: 'Entries of their own, which may import any room.',
      severity: 'error',
      from: { pathNot: '^src/(middleware|auth)/' },
      to: { path: '^src/(middleware|auth)/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: 'no-node-server' },
      to: {},
    },
    {
      name: 'no-dev-dependencies',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
}
