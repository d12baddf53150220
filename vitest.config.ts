import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'threads',
    isolate: false,
    allowOnly: false,
    watch: false,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    reporters: [['default', { summary: false }], './scripts/count-reporter.mjs'],
    coverage: { provider: 'v8', include: ['src/**/*.ts'] },
  },
})
