#!/bin/sh
# Unpacks a package of another release of Debian than this machine's, with all that it needs down to the C library.
#   test/unpack.sh PACKAGE RELEASE FOLDER
# FOLDER is then like / on a machine of that release, and its programs start with the libraries that are there, wherever it is
# moved. Nothing is installed and nothing of the system changes: apt works on lists, a cache and a state of its own.
set -eu

package=$1 release=$2 folder=$3
work=$folder.work
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
rm -rf "$work"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/root"
work=$(cd "$work" && pwd)

# Where this machine has its own release from.
. /etc/os-release
repository=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | sed -n "s/^$VERSION_CODENAME //p" | head -n 1)
[ -n "$repository" ] || { echo "apt knows no source of Debian ${VERSION_CODENAME}" >&2; exit 1; }

apt() {
  # The user that apt would become may not write here.
  apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null -o "Dir::State=$work" \
    -o "Dir::State::lists=$work/lists" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache" \
    -o APT::Sandbox::User=root -o Acquire::Retries=3 "$@"
}

is_program() {
  [ -f "$1" ] && [ ! -L "$1" ] && [ "$(od -An -tx1 -N4 "$1")" = ' 7f 45 4c 46' ]
}

# A script under each program's name, so that it is called like any other, also by programs beside it.
bring_own_libraries() {
  cd "$work/root"
  loader=$(ls -d usr/lib/*/ld-linux*.so.* lib/*/ld-linux*.so.* 2>/dev/null | head -n 1)
  libraries=$(ls -d usr/lib/*-linux-gnu lib/*-linux-gnu 2>/dev/null || :)
  for program in usr/bin/* usr/sbin/* usr/lib/postgresql/*/bin/*; do
    is_program "$program" || continue
    root=\$here/$(dirname "$program" | sed 's,[^/]*,..,g')
    path=$(for each in $libraries; do printf '%s/%s:' "$root" "$each"; done)
    mv "$program" "$program.elf"
    printf '#!/bin/sh\nhere=${0%%/*}\nexec "%s/%s" --library-path "%s" "$here/%s.elf" "$@"\n' \
      "$root" "$loader" "${path%:}" "${program##*/}" >"$program"
    chmod 755 "$program"
  done
}

echo "Unpacking $package of Debian $release"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $repository $release main" >"$work/sources.list"
: >"$work/status"
apt update
apt install --yes --download-only --no-install-recommends "$package"
for each in "$work"/cache/archives/*.deb; do dpkg -x "$each" "$work/root"; done
(bring_own_libraries)
rm -rf "$folder"
mv "$work/root" "$folder"
