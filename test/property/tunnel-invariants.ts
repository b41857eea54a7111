import assert from 'node:assert/strict';
import { FLOOD_MAC, type HostState, type Link, networkOfLabel } from '../../src/model/index.js';
import { LOCAL } from '../support/simulated/host-builder.js';
import type { Truth } from './oracle.js';

/** What of the entries of tunnels has to hold in every step. */
export function assertTunnels(truth: Truth, first: HostState, before: HostState, now: HostState): void {
  for (const link of now.links.values()) {
    if (link.detail.kind !== 'vxlan') continue;
    const named = endsOf(truth, link);
    const [were, are] = [floodsTo(before, link), floodsTo(now, link)];
    // One that is made again has what it had.
    const replaced = [...first.links.values()].find(({ name }) => name === link.name);
    const had = replaced === undefined ? [] : floodsTo(first, replaced);
    const added = are.filter((end) => !were.includes(end) && !had.includes(end));
    const lost = were.filter((end) => !are.includes(end));
    assert.ok(
      added.every((end) => named.includes(end)),
      `${link.name} floods to ${added}, of ${named}`,
    );
    assert.ok(!lost.some((end) => named.includes(end)), `${link.name} has lost ${lost}, of ${named}`);
    const lacks = named.filter((end) => !are.includes(end));
    const isMade = !first.links.has(link.index) && link.up && link.master !== null;
    if (isMade) assert.deepEqual(lacks, [], `${link.name} is up and not whole`);
  }
}

const floodsTo = ({ forwarding }: HostState, { index }: Link): string[] =>
  (forwarding.get(index) ?? []).filter(({ mac }) => mac === FLOOD_MAC).map(({ endpoint }) => endpoint);

/** Where the tunnels of the other hosts of a tunnel's network end, as far as that is known and may be sent to. */
function endsOf({ answer: { forwarding } }: Truth, { alias, detail }: Link): string[] {
  const one = forwarding?.tunnels.find(
    ({ network, vni }) => network === networkOfLabel(alias) && detail.kind === 'vxlan' && vni === detail.vni,
  );
  const hosts = one === undefined ? [] : (forwarding?.hosts.get(one.segment) ?? []);
  return hosts.flatMap((host) => {
    const end = forwarding?.endpoints.get(host);
    const isUsable = end?.kind === 'address' && !end.address.includes(':') && end.address !== LOCAL;
    return isUsable ? [end.address] : [];
  });
}
