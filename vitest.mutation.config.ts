// What a mutant is tried with: the pure tests that take milliseconds. Campaigns of random histories stay out; they would take hours.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/lifecycle/**/*.test.ts', 'test/planning/**/*.test.ts'],
    exclude: ['**/*properties.test.ts', '**/zones.test.ts', '**/forecast.test.ts'],
    testTimeout: 60_000,
  },
});
