import { type ForwardingTables, has, type Schema } from '../generations/generation.js';

/**
 * Where a release of ML2 says which hosts a network reaches; null: it does not, since a binding names no segment. Every
 * release says where the tunnels of a host end.
 */
export function forwardingTables(
  schema: Schema,
  {
    segmentsTable,
    segmentBy,
  }: { readonly segmentsTable: string; readonly segmentBy: 'levels' | 'column' | 'nothing' },
): ForwardingTables | null {
  if (segmentBy === 'nothing') return null;
  const bindings =
    segmentBy === 'levels'
      ? { table: 'ml2_port_binding_levels', segment: 'segment_id' }
      : { table: 'ml2_port_bindings', segment: 'segment' };
  const agents = { agents: ['id', 'host', 'agent_type', 'configurations'] };
  const standbys = { ha_router_agent_port_bindings: ['router_id', 'l3_agent_id'] };
  return {
    bindings,
    segments: segmentsTable,
    needs: {
      ...(has(schema, 'agents') && agents),
      ...(has(schema, 'ha_router_agent_port_bindings') && standbys),
    },
  };
}
