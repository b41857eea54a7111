import type { Surroundings } from '../../src/agent/state.js';
import type { Answer, Database, Kernel } from '../../src/model/index.js';

export const withKernel = (edges: Surroundings, change: (kernel: Kernel) => Kernel): Surroundings => ({
  ...edges,
  kernel: change(edges.kernel),
});

export const withDatabase = (
  edges: Surroundings,
  change: (database: Database) => Database,
): Surroundings => ({
  ...edges,
  openDatabase: (settings) => change(edges.openDatabase(settings)),
});

export const answering = (edges: Surroundings, change: (answer: Answer) => Answer): Surroundings =>
  withDatabase(edges, (database) => ({
    ...database,
    read: async (question) => change(await database.read(question)),
  }));
