import type { ForwardingQuestion, TunnelQuestion } from '../../model/forwarding.js';
import { foldedId } from '../../model/ids.js';
import type { Port } from '../../model/port.js';
import { isSame } from '../../model/same.js';
import type { Connection, Row } from '../connection.js';
import { integer, text } from '../generations/values.js';
import { type ForwardingReading, heardForwarding, readForwarding } from './read.js';
import type { ForwardingSource } from './source.js';

/** What is asked about tunnels, by the rows of networks: the segments of type vxlan of those that have a tap here. */
export function forwardingQuestion(
  ports: readonly Port[],
  networkRows: readonly Row[],
  vnis: readonly number[] = [],
): ForwardingQuestion | null {
  const networks = new Map(ports.map(({ networkId }) => [foldedId(networkId), networkId]));
  const tunnels = new Map<string, TunnelQuestion>();
  for (const row of networkRows) {
    const network = networks.get(foldedId(text(row.network_id) ?? ''));
    const [segment, vni] = [text(row.segment_id), integer(row.segmentation_id)];
    if (network === undefined || segment === null || vni === null || text(row.network_type) !== 'vxlan')
      continue;
    tunnels.set(segment, { segment, network, vni });
  }
  return tunnels.size === 0 && vnis.length === 0
    ? null
    : { tunnels: [...tunnels.values()].sort(bySegment), vnis };
}

const bySegment = (a: TunnelQuestion, b: TunnelQuestion): number => (a.segment < b.segment ? -1 : 1);

/** What a snapshot is read with; without a source nobody wants to know of tunnels. */
interface Reader {
  readonly connection: Connection;
  readonly forwarding?: ForwardingSource | null;
}

/** Takes in the rows of the asks of `last`; undefined: it has to be asked anew, in a snapshot that is still open. */
export function forwardingAgain(
  { connection, forwarding: source }: Reader,
  last: ForwardingReading | null,
  asked: ForwardingQuestion | null,
  rows: readonly (readonly Row[])[],
): ForwardingReading | null | undefined {
  if (!source || (last === null && asked === null)) return null;
  if (last === null || !isSame(asked, last.question)) return undefined;
  return heardForwarding({ connection, source }, last, rows) ?? undefined;
}

export const forwardingAnew = async (
  { connection, forwarding: source }: Reader,
  last: ForwardingReading | null,
  asked: ForwardingQuestion | null,
): Promise<ForwardingReading | null> =>
  source && asked !== null ? readForwarding({ connection, source }, asked, last) : null;
