#!/usr/bin/env bash
# The lowest layer of the image: what Java, bash and the launcher need of Debian, with the versions and checksums of base.lock.
#
#   base.sh unpack ARCH DIR    fetches the packages for amd64 or arm64 and unpacks them into DIR
#   base.sh lock >base.lock    the newest packages of Debian 13; needs apt and the package debian-archive-keyring
#
# Packages are kept in target/debian, so a second build needs no network. What the mirror has dropped for a newer version comes
# from Debian's archive of all versions.
set -eu

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
mirror=${RELAY_DEBIAN:-https://deb.debian.org}
# libc-bin has the locale C.UTF-8, base-files the licences and the name of the system: scanners look it up there.
packages=(base-files bash busybox gcc-14-base libc-bin libc6 libgcc-s1 libtinfo6 zlib1g)

lock() {
  apt=$(mktemp -d)
  trap 'rm -rf "$apt"' EXIT
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  touch "$apt/status"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.pgp] %s %s main\n' \
    "$mirror/debian" trixie "$mirror/debian-security" trixie-security >"$apt/sources"
  printf '%s;\n' "Dir::Etc::SourceList \"$apt/sources\"" 'Dir::Etc::SourceParts "-"' "Dir::State::Lists \"$apt/lists\"" \
    "Dir::State::status \"$apt/status\"" "Dir::Cache \"$apt/cache\"" 'APT::Architectures { "amd64"; "arm64"; }' >"$apt/conf"
  export APT_CONFIG=$apt/conf
  apt-get -qq -o APT::Sandbox::User= update >&2
  echo "# Written by base.sh lock: architecture, package, version, SHA-256, file. The time is for Debian's archive of all versions."
  date -u '+time %Y%m%dT%H%M%SZ'
  (cd "$apt" && apt-get -qq --print-uris download "${packages[@]/%/:amd64}" "${packages[@]/%/:arm64}") |
    sed -nE "s|^'$mirror/(.*)' ([^_]*)_(.*)_(amd64\|arm64)\.deb [0-9]* SHA256:(.*)$|\4 \2 \3 \5 \1|p" | sed 's/%3a/:/'
}

# fetch SHA256 PATH FILE
fetch() {
  local time url
  time=$(sed -n 's/^time //p' "$here/base.lock")
  for url in "$mirror/$2" "https://snapshot.debian.org/archive/${2%%/*}/$time/${2#*/}"; do
    if curl -fsSL --retry 3 -o "$3.part" "$url" && echo "$1  $3.part" | sha256sum --check --status; then
      mv "$3.part" "$3"
      return
    fi
  done
  echo "release: cannot fetch $2 with the SHA-256 of base.lock. RELAY_DEBIAN names another mirror; RELAY_IMAGE=no builds no image" >&2
  exit 1
}

unpack() {
  local kept=$here/../../target/debian dir=$2 arch name version sum path deb
  if ! type -P dpkg-deb curl >/dev/null; then
    echo "release: the image needs dpkg-deb and curl: install the packages dpkg and curl, or set RELAY_IMAGE=no" >&2
    exit 1
  fi
  mkdir -p "$kept" "$dir/var/lib/dpkg/status.d"
  while read -r arch name version sum path; do
    [ "$arch" = "$1" ] || continue
    deb=$kept/$sum.deb
    [ -f "$deb" ] || fetch "$sum" "$path" "$deb"
    echo "$sum  $deb" | sha256sum --check --status || { echo "release: $deb is damaged: delete it" >&2 && exit 1; }
    dpkg-deb --extract "$deb" "$dir"
    # Where there is no package manager, scanners look for the packages here.
    dpkg-deb --field "$deb" >"$dir/var/lib/dpkg/status.d/$name"
  done <"$here/base.lock"

  # Licences stay. Other documents, translations and charsets but UTF-8 do not.
  find "$dir/usr/share/doc" -type f ! -name copyright -delete
  find "$dir/usr/share/doc" -xtype l -delete
  rm -rf "$dir"/usr/share/{initramfs-tools,lintian,locale,man} "$dir"/usr/lib/*/gconv "$dir"/{boot,usr/games,usr/src,var/cache}
  # What Debian's installation scripts would do.
  ln -s bash "$dir/usr/bin/sh"
  # The watchdog of the embedded Redis needs rm and setsid, `relay keys --watch` stty; the others are for those who look.
  for name in cat id kill ls ps rm setsid stty; do
    ln -s busybox "$dir/usr/bin/$name"
  done
  cp "$dir/usr/share/libc-bin/nsswitch.conf" "$dir/etc/"
  printf '%s\n' 'root:x:0:0:root:/root:/bin/bash' 'relay:x:10001:10001:relay:/opt/relay:/bin/bash' >"$dir/etc/passwd"
  printf '%s\n' 'root:x:0:' 'relay:x:10001:' >"$dir/etc/group"
}

"$@"
