// The import line of ARCHITECTURE.md, as rules. `npm run check` and test/law/import-line.test.ts both read this file.

/** From the bottom up: each may import what stands before its row, and itself. Those of one row never import each other; they meet in app.ts. */
const line = [
  ['lib'],
  ['core'],
  ['dialect'],
  ['ports'],
  ['turn', 'pool', 'upstream', 'storage', 'sharing', 'observe'],
  ['server', 'admin'],
  ['upkeep.ts'],
  ['parts.ts'],
  ['app.ts'],
  ['index.ts'],
  ['cli'],
  ['main.ts'],
]
/** Beside the line: what each may import, and who may import it. */
const beside = {
  config: { imports: ['lib', 'core'], importedBy: ['upkeep.ts', 'parts.ts', 'app.ts', 'cli'] },
  simulator: { imports: ['lib'], importedBy: ['app.ts', 'cli'] },
}

/** What touches the world lies in few hands: the module (a pattern), and the folders that may import it. */
const owners = [
  {
    what: 'the network',
    modules: '^(node:)?(http|https|http2|net|tls|dns|dns/promises|dgram)$',
    folders: ['lib', 'ports', 'upstream', 'server', 'admin', 'simulator', 'config', 'cli', 'app.ts'],
  },
  { what: 'the file system', modules: '^(node:)?(fs|fs/promises)$', folders: ['lib/pid-file.ts', 'config', 'storage', 'observe', 'cli', 'app.ts', 'main.ts'] },
  { what: 'other processes and threads', modules: '^(node:)?(child_process|worker_threads|cluster)$', folders: ['storage', 'cli', 'app.ts'] },
  { what: 'the embedded store', modules: 'node_modules/(better-sqlite3|kysely|@types/better-sqlite3)/', folders: ['storage'] },
  { what: 'proxies', modules: 'node_modules/(https-proxy-agent|socks-proxy-agent)/', folders: ['upstream'] },
  { what: 'WebSocket framing', modules: 'node_modules/(ws|@types/ws)/', folders: ['upstream', 'server', 'simulator'] },
  { what: 'logs, metrics and traces', modules: 'node_modules/(pino|prom-client|@opentelemetry)/', folders: ['observe'] },
  { what: 'YAML', modules: 'node_modules/yaml/', folders: ['config', 'cli'] },
  { what: 'the command line', modules: 'node_modules/commander/', folders: ['cli', 'main.ts'] },
]
/** Neither may reach for anything but arithmetic: the listed modules of Node are the exceptions. */
const pure = { folders: ['core', 'dialect'], nodeModules: '^(node:)?(crypto|buffer)$' }

const place = (name) => `^src/${name.replace('.', '\\.')}${name.endsWith('.ts') ? '$' : '/'}`
const any = (names) => `(${names.map(place).join('|')})`

const onTheLine = line.flatMap((row, at) =>
  row.map((name) => {
    const below = line.slice(0, at).flat()
    const added = Object.keys(beside).filter((other) => beside[other].importedBy.includes(name))
    return { name, may: [name, ...below, ...added] }
  }),
)
const besideTheLine = Object.keys(beside).map((name) => ({ name, may: [name, ...beside[name].imports] }))

module.exports = {
  forbidden: [
    ...[...onTheLine, ...besideTheLine].map(({ name, may }) => ({
      name: `import-line-of-${name}`,
      comment: `src/${name} may import ${may.join(', ')} and nothing else of src`,
      severity: 'error',
      from: { path: place(name) },
      to: { path: '^src/', pathNot: any(may) },
    })),
    {
      name: 'every-place-is-on-the-line',
      comment: 'a new folder or file at the top of src needs its place in .dependency-cruiser.cjs and in ARCHITECTURE.md',
      severity: 'error',
      from: { path: '^src/', pathNot: any([...line.flat(), ...Object.keys(beside)]) },
      to: {},
    },
    ...owners.map(({ what, modules, folders }) => ({
      name: `owners-of-${what.replaceAll(' ', '-')}`,
      comment: `${what}: only ${folders.join(', ')}`,
      severity: 'error',
      from: { path: '^src/', pathNot: any(folders) },
      to: { path: modules },
    })),
    {
      name: 'pure',
      comment: 'core and dialect decide and do nothing: no I/O, no clock, no chance',
      severity: 'error',
      from: { path: any(pure.folders) },
      to: { dependencyTypes: ['core'], pathNot: pure.nodeModules },
    },
    { name: 'no-circle', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    { name: 'nothing-missing', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'nothing-undeclared',
      comment: 'a package that src imports stands in dependencies',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'src-stands-alone',
      comment: 'src imports nothing of tests, benchmarks and scripts',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts|bin)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'node', 'default'] },
  },
}
