import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/lifecycle/**/*.test.ts', 'test/planning/**/*.test.ts'],
    testTimeout: 60_000,
    isolate: false,
    coverage: {
      provider: 'v8',
      include: ['src/lifecycle/**', 'src/planning/**'],
      reporter: ['text', 'json'],
      reportOnFailure: true,
      reportsDirectory: 'coverage/branches',
      thresholds: { branches: 100 },
    },
  },
});
