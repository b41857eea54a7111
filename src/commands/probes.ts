import { hasNetAdmin } from '../kernel/kernel.js';
import { DatabaseError, KernelError, type Settings } from '../model/index.js';
import type { Probes } from './config-check.js';
import { databaseFor, kernelFor } from './edges.js';

/** What `config check` looks at on the real host and in the real database. */
export const liveProbes = (settings: Settings): Probes => ({
  netAdmin: hasNetAdmin,
  links: () => {
    try {
      const kernel = kernelFor(() => settings.host);
      const observed = kernel.observe();
      void kernel.close();
      return observed;
    } catch (error) {
      if (error instanceof KernelError) return error;
      throw error;
    }
  },
  database: async () => {
    const database = databaseFor(settings);
    try {
      await database.read({ taps: [], bridges: [] });
      return null;
    } catch (error) {
      if (error instanceof DatabaseError) return error;
      throw error;
    } finally {
      await database.close();
    }
  },
});
