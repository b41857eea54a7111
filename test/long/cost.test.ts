import { describeCost } from '../support/databases/cost.js';

describeCost(
  (['essex', 'folsom', 'grizzly', 'ml2-havana', 'ml2-zed'] as const).map((generation) => ({
    generation,
    ports: 1_000_000,
  })),
);
