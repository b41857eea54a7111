#!/bin/sh
# Every Debian package that a suite needs, in groups; test/runner/suites.ts says which suite needs which groups.
#   test/packages.sh missing [GROUP]...   prints what this machine lacks, a line each
#   test/packages.sh install [GROUP]...   installs the packages that bring it (as root), and no others
# Without a group: everything. Needs no Node, so that a machine can be made ready before `npm ci`.
set -eu

# What only `npm run test:long` needs is in the group long.
groups='servers hosts witnesses monitoring browser clock disks neutron mysql versions long'

# A group, a package, and what it brings: a program, or a file (a star is any version). A package of another release of Debian
# (PACKAGE@RELEASE) is unpacked below .cache and not installed, see test/unpack.sh.
packages() {
  cat <<'END'
servers     postgresql        /usr/lib/postgresql/*/bin/postgres
servers     pgbouncer         pgbouncer
servers     haproxy           haproxy
servers     mariadb-server    mariadbd
servers     mariadb-server    mariadb-install-db
servers     galera-4          /usr/lib/galera/libgalera_smm.so
servers     rsync             rsync
servers     iproute2          ss
servers     util-linux        runuser
servers     openssl           openssl
mysql       mysql-server-core@sid  .cache/debian/mysql-server-core@sid/usr/sbin/mysqld
versions    postgresql-13@bullseye             .cache/debian/postgresql-13@bullseye/usr/lib/postgresql/13/bin/postgres
versions    postgresql-17@trixie               .cache/debian/postgresql-17@trixie/usr/lib/postgresql/17/bin/postgres
versions    postgresql-18@sid                  .cache/debian/postgresql-18@sid/usr/lib/postgresql/18/bin/postgres
versions    mariadb-server-core-10.5@bullseye  .cache/debian/mariadb-server-core-10.5@bullseye/usr/sbin/mariadbd
versions    mariadb-server-core@trixie         .cache/debian/mariadb-server-core@trixie/usr/sbin/mariadbd
hosts       iproute2          ip
hosts       util-linux        unshare
hosts       user-mode-linux   linux.uml
hosts       kmod              insmod
witnesses   nftables          nft
witnesses   tcpdump           tcpdump
witnesses   strace            strace
witnesses   procps            ps
monitoring  prometheus        promtool
monitoring  systemd           systemd-analyze
browser     chromium          chromium
browser     iproute2          ip
clock       faketime          /usr/lib/*/faketime/libfaketimeMT.so.1
disks       e2fsprogs         mkfs.ext4
disks       util-linux        fsfreeze
neutron     neutron-common    neutron-server
neutron     python3-pymysql   /usr/lib/python3/dist-packages/pymysql/__init__.py
neutron     python3-psycopg2  /usr/lib/python3/dist-packages/psycopg2/__init__.py
long        iptables          ebtables-nft
long        ipset             ipset
long        rpm               rpmbuild
long        lintian           lintian
long        debootstrap       debootstrap
long        systemd-container systemd-nspawn
long        buildah           buildah
long        runc              runc
END
}

cd "$(dirname "$0")/.."

# An ordinary user's PATH often lacks the folders where ip, nft and insmod live.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin

# Whether $1 is there.
is_present() {
  case $1 in
    /*) for file in $1; do [ -e "$file" ] && return 0; done; return 1 ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# The lines of the groups (all without one) whose program or file is not there.
missing() {
  packages | while read -r group package brings; do
    case " ${*:-$group} " in *" $group "*) ;; *) continue ;; esac
    is_present "$brings" || echo "$package $brings"
  done
}

describe() {
  while read -r package brings; do echo "$brings (Debian package $package)"; done
}

apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@"
}

# Debian asks policy-rc.d before it starts a service; 101 means no: tests start servers of their own.
# A policy of the machine's own is left alone.
forbid_service_starts() {
  policy=/usr/sbin/policy-rc.d
  [ -e "$policy" ] && return
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
}

# What is of another release; needs no root.
unpack() {
  for each in $(missing "$@" | cut -d' ' -f1 | grep @ | sort -u); do
    command -v apt-get >/dev/null || { echo "This is not Debian (no apt-get); it cannot unpack $each" >&2; return 1; }
    test/unpack.sh "${each%@*}" "${each#*@}" ".cache/debian/$each"
  done
}

install() {
  wanted=$(missing "$@" | cut -d' ' -f1 | grep -v @ | sort -u | tr '\n' ' ')
  [ -n "$wanted" ] || return 0
  command -v apt-get >/dev/null || { echo "This is not Debian (no apt-get); install by other means: $wanted" >&2; return 1; }
  [ "$(id -u)" -eq 0 ] || { echo "Only root can install; by hand: apt-get install $wanted" >&2; return 1; }
  # Two at once: the first to end would take the policy away from the other.
  exec 9>/run/lock/test-packages
  flock -w 900 9
  echo "Installing Debian packages: $wanted"
  forbid_service_starts
  apt update
  # shellcheck disable=SC2086
  apt install --yes --no-install-recommends $wanted
  still=$(missing "$@" | grep -v @ | describe)
  [ -z "$still" ] || { printf 'The packages were installed, but this is still missing:\n%s\n' "$still" >&2; return 1; }
}

action=${1:-}
[ $# -eq 0 ] || shift
for group in "$@"; do
  case " $groups " in *" $group "*) ;; *) echo "No group is called $group; there are $groups." >&2; exit 64 ;; esac
done
case $action in
  missing) missing "$@" | describe ;;
  install) install "$@" && unpack "$@" ;;
  *) echo 'usage: test/packages.sh missing|install [GROUP]...' >&2; exit 64 ;;
esac
