import { bridgeMac, FILTERED_GROUP } from '../../model/index.js';
import type { Bridge } from '../see/view.js';
import type { DesiredNetwork, World } from './desired.js';

/** Whether frames are dropped where a tap of the network comes in: on the bridges that the agent makes or has made. */
export const isFiltered = (world: World, { place, id }: DesiredNetwork): boolean =>
  place.kind === 'missing' ||
  (place.kind === 'present' && (place.bridge.group === FILTERED_GROUP || isMade(world, place.bridge, id)));

/** A bridge of an earlier version of this agent: it filters VLANs, or has the MAC address that only the agent gives. */
const isMade = ({ settings }: World, { detail, mac }: Bridge, id: DesiredNetwork['id']): boolean =>
  detail.vlanFiltering === true || mac === bridgeMac(id, settings.host);
