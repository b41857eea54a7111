import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of PEM files. */
export interface Certificates {
  readonly ca: string;
  /** A CA that signed none of the others. */
  readonly otherCa: string;
  /** For the name `localhost` only. */
  readonly server: Pair;
  /** For the name `quantum`. */
  readonly client: Pair;
}

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Makes two authorities, a server certificate for `localhost` and a client certificate in a folder. */
export function makeCertificates(folder: string): Certificates {
  const ca = authority(folder, 'ca');
  return {
    ca: ca.cert,
    otherCa: authority(folder, 'other-ca').cert,
    server: signed(folder, 'localhost', ca),
    client: signed(folder, 'quantum', ca),
  };
}

const openssl = (...args: readonly string[]): void => {
  execFileSync('openssl', args, { stdio: 'pipe' });
};
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function authority(folder: string, name: string): Pair {
  const pair = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  openssl(
    'req',
    '-x509',
    ...NEW_KEY,
    '-keyout',
    pair.key,
    '-out',
    pair.cert,
    '-subj',
    `/CN=${name}`,
    '-days',
    '2',
  );
  return pair;
}

function signed(folder: string, name: string, ca: Pair): Pair {
  const pair = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  const [request, extensions] = [join(folder, `${name}.csr`), join(folder, `${name}.ext`)];
  writeFileSync(extensions, `subjectAltName=DNS:${name}\n`);
  openssl('req', ...NEW_KEY, '-keyout', pair.key, '-out', request, '-subj', `/CN=${name}`);
  const by = ['-CA', ca.cert, '-CAkey', ca.key, '-CAcreateserial', '-extfile', extensions, '-days', '2'];
  openssl('x509', '-req', '-in', request, '-out', pair.cert, ...by);
  return pair;
}
