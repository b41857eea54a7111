import { networkMtus } from '../database/network-mtus.js';
import { isReadableByAll } from '../files/read-file.js';
import { readFacts } from '../kernel/facts.js';
import { neutronChains } from '../kernel/filtering/neutron-chains.js';
import { hasNetAdmin } from '../kernel/kernel.js';
import { hasVlans } from '../kernel/vlan-probe.js';
import { DatabaseError, KernelError, type Settings } from '../model/index.js';
import type { Probes } from './config-check.js';
import { databaseFor, kernelToSee } from './open-parts.js';

/** What `config check` looks at on the real host and in the real database. */
export const liveProbes = (settings: Settings): Probes => ({
  netAdmin: hasNetAdmin,
  isReadableByAll,
  links: () => {
    try {
      const kernel = kernelToSee();
      const observed = kernel.observe();
      void kernel.close();
      return observed;
    } catch (error) {
      if (error instanceof KernelError) return error;
      throw error;
    }
  },
  host: () => ({ facts: readFacts(), vlans: vlansHere(), neutronChains: neutronChains() }),
  database: async () => {
    const database = databaseFor(settings);
    try {
      const { generation } = await database.read({ taps: [], bridges: [] });
      return { generation, mtus: await networkMtus(settings.database) };
    } catch (error) {
      if (error instanceof DatabaseError) return error;
      throw error;
    } finally {
      await database.close();
    }
  },
});

/** A kernel that cannot be asked at all has its own finding. */
function vlansHere(): boolean | null {
  try {
    return hasVlans();
  } catch (error) {
    if (error instanceof KernelError) return null;
    throw error;
  }
}
