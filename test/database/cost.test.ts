import { describeCost } from '../support/databases/cost.js';
import { ENGINES } from '../support/databases/engines.js';

/** The long proofs have a million ports in each generation, on every engine. */
describeCost(
  [
    { generation: 'essex', ports: 100_000 },
    { generation: 'folsom', ports: 100_000 },
    { generation: 'grizzly', ports: 100_000 },
    { generation: 'ml2-havana', ports: 100_000 },
    { generation: 'ml2-zed', ports: 100_000 },
  ],
  ENGINES.filter(({ name }) => name !== 'MySQL'),
);
describeCost(
  [
    { generation: 'grizzly', ports: 100_000 },
    { generation: 'ml2-zed', ports: 100_000 },
  ],
  ENGINES.filter(({ name }) => name === 'MySQL'),
);
