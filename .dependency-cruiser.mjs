/** The rings: imports point inwards only, and there are no exceptions. */
const code = '\\.(ts|svelte|mjs)$'
const only = (from, allowed, comment) => ({
  name: `${from.replaceAll('/', '-')}-ring`,
  comment,
  severity: 'error',
  from: { path: `^${from}/` },
  to: {
    path: `^(crm-core|ingest|stream|api|infra|dashboard|loadtest)/`,
    pathNot: [`^${from}/`, ...allowed.map((to) => `^${to}/`)],
  },
})
const engines =
  '^node_modules/(lmdb|chdb|@clickhouse|@prisma|@libsql|kafkajs|ioredis|mysql2|@influxdata|nodemailer)(/|$)'

export default {
  forbidden: [
    only('crm-core/contracts', [], 'Contracts know nobody.'),
    only('crm-core/src', ['crm-core/contracts'], 'The domain knows its words alone.'),
    only('ingest', ['crm-core'], 'Stages know the domain, never each other.'),
    only('stream', ['crm-core'], 'Stages know the domain, never each other.'),
    only('api', ['crm-core'], 'Stages know the domain, never each other.'),
    only('dashboard', ['crm-core/contracts'], 'Pages know the words alone.'),
    only('loadtest', ['crm-core/contracts'], 'Load tools know the words alone.'),
    {
      name: 'engines-in-infra-only',
      comment: 'Only infra knows an engine.',
      severity: 'error',
      from: { path: '^(crm-core|ingest|stream|api|dashboard|loadtest)/', pathNot: '^loadtest/' },
      to: { path: engines },
    },
    {
      name: 'contracts-safe-in-a-browser',
      comment: 'Contracts run in the page too.',
      severity: 'error',
      from: { path: '^crm-core/contracts/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: { path: code },
      to: { couldNotResolve: true, pathNot: '^(\\$app|\\$env|#lib|#outlines|\\./\\$types)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(node_modules/|/build/|/\\.svelte-kit/|/generated/)' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node'] },
  },
}
