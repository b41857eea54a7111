import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { rootAt, settle } from './files.js';
import { CONFIGURATION, fill, NAME, type Sources } from './tree.js';

/** Makes the RPM in `destination` and gives its path. `work` is an empty folder. */
export function makeRpm(sources: Sources, work: string, destination: string): string {
  const { version, epoch } = sources;
  const stage = join(work, 'stage');
  fill(rootAt(stage), sources, ZSH_FOLDER);
  settle(stage, epoch);
  rootAt(work).write('package.spec', spec(sources, stage));
  const defined = Object.entries({
    _topdir: work,
    _rpmdir: destination,
    _rpmfilename: '%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm',
    _buildhost: 'localhost',
    _binary_payload: 'w10.zstdio',
    // Nothing is stripped or changed: Node is as its makers publish it.
    __os_install_post: '%{nil}',
    use_source_date_epoch_as_buildtime: '1',
    clamp_mtime_to_source_date_epoch: '1',
    _build_id_links: 'none',
  }).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  execFileSync('rpmbuild', ['-bb', '--quiet', '--target', 'x86_64', ...defined, join(work, 'package.spec')], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return join(destination, `${NAME}-${version}-1.x86_64.rpm`);
}

const ZSH_FOLDER = 'usr/share/zsh/site-functions';
const UNITS = `${NAME}.service ${NAME}-once.timer`;

const spec = ({ version, maintainer }: Sources, stage: string): string => `Name: ${NAME}
Version: ${version}
Release: 1
Summary: Host network agent for brokerless LinuxBridge clouds
License: Apache-2.0
Packager: ${maintainer}
AutoReqProv: no
Requires: glibc >= 2.28, libstdc++, libgcc, libatomic

%description
Polls the shared database of an OpenStack Quantum or Neutron cloud and keeps the
bridges of this host in step with it: flat, VLAN and local networks, without a
message broker. It brings the Node.js that it runs on. Installing it starts nothing.

%install
cp -a ${stage}/. %{buildroot}

%post
[ ! -d /run/systemd/system ] || systemctl --system daemon-reload

%preun
if [ "$1" = 0 ] && [ -d /run/systemd/system ]; then systemctl --no-reload disable --now ${UNITS}; fi

%postun
[ ! -d /run/systemd/system ] || systemctl --system daemon-reload

%posttrans
[ ! -d /run/systemd/system ] || systemctl try-restart ${UNITS}

%files
%defattr(-,root,root,-)
%dir /etc/quantum
%config(noreplace) /${CONFIGURATION}
/usr/bin/${NAME}
/usr/lib/${NAME}
/usr/lib/systemd/system/${NAME}*
/usr/share/bash-completion/completions/${NAME}
/usr/share/doc/${NAME}
/usr/share/man/man8/${NAME}.8.gz
/${ZSH_FOLDER}/_${NAME}
`;
