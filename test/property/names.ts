import { bridgeName, networkId, tapName } from '../../src/model/index.js';

/** Two of the networks and two of the ports share the characters that their devices are named after. */
export const NETWORKS = [
  'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa',
  'aaaaaaaa-aaff-4aaa-8aaa-aaaaaaaaaaaa',
  'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb',
  'cccccccc-cccc-4ccc-8ccc-cccccccccccc',
  'n1',
] as const;

export const PORTS = [
  '11111111-1111-4111-8111-111111111111',
  '11111111-11ff-4111-8111-111111111111',
  '22222222-2222-4222-8222-222222222222',
  '33333333-3333-4333-8333-333333333333',
  '44444444-4444-4444-8444-444444444444',
  '55555555-5555-4555-8555-555555555555',
  'abc',
] as const;

/** Ends of other hosts' tunnels, and what is none. */
export const ENDS = ['192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.2.1', '2001:db8::2', 'no row'];

export const BRIDGES: readonly string[] = [...new Set(NETWORKS.map((id) => bridgeName(networkId(id))))];
export const TAPS: readonly string[] = [...new Set(PORTS.map(tapName))];
