import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { filesIn, md5, rootAt, settle } from './files.js';
import { CONFIGURATION, fill, NAME, type Sources } from './tree.js';

/** Makes the Debian package in `destination` and gives its path. `work` is an empty folder. */
export function makeDeb(sources: Sources, work: string, destination: string): string {
  const { version, epoch, project } = sources;
  const root = rootAt(work);
  fill(root, sources, 'usr/share/zsh/vendor-completions');
  root.write(`usr/share/doc/${NAME}/changelog.gz`, gzipSync(changelog(sources), { level: 9 }));
  root.copy(join(project, 'etc/package/deb/lintian-overrides'), `usr/share/lintian/overrides/${NAME}`);

  const files = filesIn(work);
  const kilobytes = files.reduce((sum, path) => sum + Math.ceil(statSync(join(work, path)).size / 1024), 0);
  root.write('DEBIAN/control', control(sources, kilobytes));
  root.write('DEBIAN/conffiles', `/${CONFIGURATION}\n`);
  root.write('DEBIAN/md5sums', files.map((path) => `${md5(join(work, path))}  ${path}\n`).join(''));
  for (const script of ['postinst', 'prerm', 'postrm'])
    root.copy(join(project, 'etc/package/deb', script), `DEBIAN/${script}`, 0o755);
  settle(work, epoch);

  const file = join(destination, `${NAME}_${version}_amd64.deb`);
  // Root owns everything in it without anybody being root here.
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', work, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return file;
}

const control = ({ version, maintainer }: Sources, kilobytes: number): string => `Package: ${NAME}
Version: ${version}
Architecture: amd64
Maintainer: ${maintainer}
Installed-Size: ${kilobytes}
Depends: libc6 (>= 2.28), libstdc++6 (>= 8), libgcc-s1, libatomic1
Section: net
Priority: optional
Description: host network agent for brokerless LinuxBridge clouds
 Polls the shared database of an OpenStack Quantum or Neutron cloud and keeps
 the bridges of this host in step with it: flat, VLAN and local networks, on
 PostgreSQL, MySQL and MariaDB, without a message broker.
 .
 It brings the Node.js that it runs on. Installing it starts nothing: write
 /${CONFIGURATION}, look at what
 "${NAME} plan" says, and enable the unit or the timer.
`;

/** Debian's own form; what changed is in CHANGELOG.md beside it. */
const changelog = ({
  version,
  maintainer,
  epoch,
}: Sources): string => `${NAME} (${version}) unstable; urgency=medium

  * See CHANGELOG.md.

 -- ${maintainer}  ${new Date(epoch * 1_000).toUTCString().replace('GMT', '+0000')}
`;
