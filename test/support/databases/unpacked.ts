import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the tests keep from one run to the next. */
export const CACHE = fileURLToPath(new URL('../../../.cache', import.meta.url));

/** Where a package of another release of Debian is unpacked, as `PACKAGE@RELEASE`: like `/` on a machine of that release. */
export const unpackedFolder = (name: string): string => join(CACHE, 'debian', name);
