import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DatabaseUrl, databaseUrls, parseDatabaseUrl } from '../../../src/config/database-url.js';

function read(text: string): DatabaseUrl {
  const parsed = parseDatabaseUrl(text);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.wrong);
  return parsed.value;
}
function wrong(text: string): string {
  const parsed = parseDatabaseUrl(text);
  assert.ok(!parsed.ok, 'the URL was accepted');
  return parsed.wrong;
}
const tcp = (host: string, port: number | null = null) => ({ host, port, socketPath: null });
const socket = (socketPath: string, port: number | null = null) => ({ host: null, port, socketPath });

for (const scheme of [
  'mysql',
  'mysql+mysqldb',
  'mysql+pymysql',
  'postgresql',
  'postgres',
  'postgresql+psycopg2',
])
  test(`${scheme}:// names ${scheme.startsWith('mysql') ? 'MySQL' : 'PostgreSQL'}`, () => {
    const url = read(`${scheme}://quantum:secret@db.example:1234/quantum`);
    assert.equal(url.engine, scheme.startsWith('mysql') ? 'mysql' : 'postgresql');
    assert.deepEqual([url.user, url.password, url.database], ['quantum', 'secret', 'quantum']);
    assert.deepEqual(url.endpoints, [tcp('db.example', 1234)]);
  });

const ENDPOINTS: readonly (readonly [string, readonly object[]])[] = [
  ['mysql://u:p@db/d', [tcp('db')]],
  ['mysql://u:p@/d', [tcp('localhost')]],
  ['mysql://u:p@[2001:db8::1]:3307/d', [tcp('2001:db8::1', 3307)]],
  ['mysql://u:p@[::1]/d', [tcp('::1')]],
  ['mysql://u@localhost/d?unix_socket=/run/mysqld/mysqld.sock', [socket('/run/mysqld/mysqld.sock')]],
  ['mysql://u:p@a:1,b:2/d', [tcp('a', 1), tcp('b', 2)]],
  ['postgresql://u:p@/d', [socket('/var/run/postgresql')]],
  ['postgresql://u:p@/d?host=/tmp/pg', [socket('/tmp/pg')]],
  ['postgresql://u:p@:5433/d?host=/tmp/pg', [socket('/tmp/pg', 5433)]],
  ['postgresql://u:p@%2Ftmp%2Fpg/d', [socket('/tmp/pg')]],
  ['postgresql://u:p@%2Ftmp%2Fpg:6441/d', [socket('/tmp/pg', 6441)]],
  ['postgresql://u:p@%2Ftmp%2Fpg%3A6441/d', [socket('/tmp/pg:6441')]],
  ['postgresql://u:p@/d?host=/tmp/pg&port=6441', [socket('/tmp/pg', 6441)]],
  ['postgresql://u:p@/d?host=/tmp/pg:6441', [socket('/tmp/pg', 6441)]],
  ['postgresql://u:p@/d?port=6441', [socket('/var/run/postgresql', 6441)]],
  ['postgresql://u:p@a,b/d?port=6441', [tcp('a', 6441), tcp('b', 6441)]],
  ['postgresql://u:p@/d?host=a,/tmp/pg&port=1,2', [tcp('a', 1), socket('/tmp/pg', 2)]],
  ['mysql://u:p@h/d?port=3307', [tcp('h', 3307)]],
  ['postgresql://u:p@a:5432,[::1]:5433,c/d', [tcp('a', 5432), tcp('::1', 5433), tcp('c')]],
  ['postgresql://u:p@/d?host=a:1&host=b:2', [tcp('a', 1), tcp('b', 2)]],
];
for (const [text, endpoints] of ENDPOINTS)
  test(`${text} is served at ${JSON.stringify(endpoints)}`, () =>
    assert.deepEqual(read(text).endpoints, endpoints));

for (const password of [
  'p#;%',
  '100%',
  'a:b',
  'a/b',
  'a@b',
  'a?b',
  'a?b=c',
  'a@x?b=c',
  'a,b',
  'a b',
  '%zz',
  '$(x)',
  'it\'s "x"',
  'é',
  '?@/:',
])
  test(`the password ${password} may stand unencoded`, () => {
    const url = read(`mysql://quantum:${password}@db:3306/quantum?charset=utf8`);
    assert.deepEqual(
      [url.user, url.password, url.endpoints, url.database],
      ['quantum', password, [tcp('db', 3306)], 'quantum'],
    );
  });

test('any password percent-encoded comes back whole and is in no display', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (password) => {
      const url = read(`postgresql://u:${encodeURIComponent(password)}@db/d?sslmode=require`);
      assert.equal(url.password, password);
      assert.equal(url.display, 'postgresql://u:***@db/d?sslmode=require');
    }),
  );
});

test('an escape that is not UTF-8 stays as it is', () =>
  assert.equal(read('mysql://u:%ff%41@h/d').password, '%ff%41'));

test('several URLs are separated by commas or white space, and a comma in a password separates nothing', () => {
  const parsed = databaseUrls.parse('mysql://u:a,b@h1/d, mysql://u:c d@h2/d\nmysql://u@h3/d');
  assert.ok(parsed.ok);
  assert.deepEqual(
    parsed.value.map(({ password, endpoints }) => [password, endpoints[0].host]),
    [
      ['a,b', 'h1'],
      ['c d', 'h2'],
      [null, 'h3'],
    ],
  );
});

const tls = (
  verify: boolean,
  verifyHostname: boolean,
  files: readonly (string | null)[] = [null, null, null],
) => ({
  verify,
  verifyHostname,
  caFile: files[0],
  certFile: files[1],
  keyFile: files[2],
});
const TLS: readonly (readonly [string, object | null])[] = [
  ['postgresql://u@h/d', null],
  ['postgresql://u@h/d?sslmode=disable', null],
  ['postgresql://u@h/d?sslmode=prefer', null],
  ['postgresql://u@h/d?sslmode=require', tls(false, false)],
  ['postgresql://u@h/d?sslmode=require&sslrootcert=/ca', tls(true, false, ['/ca', null, null])],
  ['postgresql://u@h/d?sslrootcert=/ca', tls(true, false, ['/ca', null, null])],
  ['postgresql://u@h/d?sslmode=verify-ca&sslrootcert=/ca', tls(true, false, ['/ca', null, null])],
  [
    'postgresql://u@h/d?sslmode=verify-full&sslrootcert=/ca&sslcert=/c&sslkey=/k',
    tls(true, true, ['/ca', '/c', '/k']),
  ],
  ['mysql://u@h/d?charset=utf8', null],
  ['mysql://u@h/d?ssl_ca=/ca', tls(true, true, ['/ca', null, null])],
  ['mysql://u@h/d?ssl_ca=/ca&ssl_check_hostname=false', tls(true, false, ['/ca', null, null])],
  ['mysql://u@h/d?ssl_ca=/ca&ssl_cert=/c&ssl_key=/k', tls(true, true, ['/ca', '/c', '/k'])],
  ['mysql://u@h/d?ssl_cert=/c&ssl_key=/k', tls(false, false, [null, '/c', '/k'])],
  ['mysql://u@h/d?ssl_ca=/ca&ssl_verify_cert=false', tls(false, false, ['/ca', null, null])],
  ['mysql://u@h/d?ssl_verify_cert=true', tls(true, true)],
];
for (const [text, expected] of TLS)
  test(`${text} asks for ${expected === null ? 'no TLS' : JSON.stringify(expected)}`, () =>
    assert.deepEqual(read(text).tls, expected));

test('connect_timeout is seconds', () =>
  assert.equal(read('postgresql://u@h/d?connect_timeout=3').connectTimeoutMs, 3000));

test('options without a meaning are named once each, and their values are masked', () => {
  const url = read('mysql://u:p@h/d?charset=utf8&passwd=secret&foo=secret&passwd=secret');
  assert.deepEqual(url.unknownOptions, ['passwd', 'foo']);
  assert.equal(url.display, 'mysql://u:***@h/d?charset=utf8&passwd=***&foo=***&passwd=***');
});

const WRONG: readonly (readonly [string, RegExp])[] = [
  ['', /not the URL/],
  ['S3CRET', /not the URL/],
  ['sqlite://', /SQLite.*hosts cannot share/],
  ['sqlite:////var/lib/quantum/quantum.sqlite', /SQLite/],
  ['oracle://u:S3CRET@h/d', /begins with oracle:\/\//],
  ['mysql://h/d', /names no user/],
  ['mysql://:S3CRET@h/d', /names no user/],
  ['mysql://u:S3CRET@h', /names no database/],
  ['mysql://u:S3CRET@h/', /names no database/],
  ['mysql://u:S3CRET@h:0/d', /port/],
  ['mysql://u:S3CRET@h:65536/d', /port/],
  ['mysql://u:S3CRET@h:abc/d', /port/],
  ['postgresql://u:S3CRET@%2Ftmp%2Fpg:70000/d', /port/],
  ['postgresql://u:S3CRET@/d?host=/tmp/pg&port=abc', /port/],
  ['mysql://u:S3CRET@2001:db8::1/d', /brackets/],
  ['mysql://u:S3CRET@ h/d', /host/],
  ['mysql://u:S3CRET@a,,b/d', /empty name/],
  ['mysql://u:S3CRET@h/d\nmore', /line end/],
  ['postgresql://u:S3CRET@h/d?sslmode=always', /sslmode/],
  ['mysql://u:S3CRET@h/d?ssl_check_hostname=maybe', /ssl_check_hostname/],
  ['mysql://u:S3CRET@h/d?ssl_mode=REQUIRED', /ssl_mode.*weaken/],
  ['mysql://u:S3CRET@h/d?connect_timeout=soon', /connect_timeout/],
];
for (const [text, reason] of WRONG)
  test(`${JSON.stringify(text)} is refused with the reason, without the password`, () => {
    assert.match(wrong(text), reason);
    assert.doesNotMatch(wrong(text), /S3CRET/);
  });

test('reading any text never throws, and a refusal repeats nothing after the scheme', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('', 'mysql://', 'postgresql://', 'mysql://u:'),
      fc.string({ unit: 'binary' }),
      (head, tail) => {
        const parsed = parseDatabaseUrl(`${head}${tail}`);
        assert.equal(typeof parsed.ok, 'boolean');
      },
    ),
  );
});
