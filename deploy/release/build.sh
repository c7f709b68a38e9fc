#!/usr/bin/env bash
# Writes to dist/ what a release consists of. `./mvnw -Prelease verify` runs it last.
#
#   relay-VERSION-linux-ARCH.tar.gz   Relay with a Java runtime and the embedded Redis: unpack and run bin/relay
#   relay-VERSION-oci.tar             the image: the same on what it needs of Debian
#   relay-chart-VERSION.tgz           the Helm chart
#   relay-redis-scripts-VERSION*.jar  the engine as a library, its sources and its Javadoc
#   *.cdx.json, NOTICE                the libraries inside, with their versions and licences
#   SHA256SUMS
#
# jlink copies the runtime of the JDK that runs it, and the AOT cache is written by a run. So tarball and image are for this
# machine's architecture. .github/workflows/release.yml builds both, each on a machine of its own, and joins the images.
#
# Two builds of a commit give the same bytes, but for relay.aot: RELAY_AOT=no leaves it out, and starts take longer.
# RELAY_IMAGE=no builds no image: it needs Debian's packages, from the network the first time.
set -eu

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
version=$1
java_home=$2
dist=$root/dist

case $(uname -s)-$(uname -m) in
  Linux-x86_64) platform=linux-x64 arch=amd64 ;;
  Linux-aarch64) platform=linux-aarch64 arch=arm64 ;;
  *)
    echo "release: a tarball can be built on Linux on x86_64 or aarch64, not on $(uname -sm)" >&2
    exit 1
    ;;
esac

# What the jars use, as jdeps prints it, less java.desktop: only optional parts of libraries need that.
modules=java.base,java.logging,java.management,java.naming,java.net.http,java.security.jgss,java.security.sasl,java.sql
modules=$modules,jdk.jfr,jdk.management,jdk.unsupported

# pack DIR NAME FILE: the same bytes for the same files.
pack() {
  tar -C "$1" --sort=name --mtime='2026-01-01T00:00:00Z' --owner=0 --group=0 --numeric-owner \
    --mode=u+w,go-w,a+rX -cf - "$2" | gzip -9n >"$3"
}

rm -rf "$dist"
mkdir -p "$dist"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

name=relay-$version-$platform
home=$work/$name
mkdir -p "$home/bin" "$home/lib/lib"
cp "$root/relay-server/target/relay.jar" "$home/lib/"
cp "$root"/relay-server/target/lib/*.jar "$home/lib/lib/"
cp "$root/deploy/release/java-options.sh" "$home/lib/"
cp "$root/deploy/release/relay" "$home/bin/"
cp "$root/LICENSE" "$home/"
{
  echo "Relay is under the Apache License 2.0: see LICENSE. It contains:"
  echo
  echo "- a Java runtime: lib/runtime/legal has its licences"
  echo "- the Redis server 7.0, under the BSD licence of three clauses (https://redis.io/docs/about/license/)"
  cat "$root/relay-server/target/NOTICE"
  echo
  echo "The image has the Java runtime in /opt/java/openjdk, and of Debian, with licences in /usr/share/doc/NAME/copyright and sources"
  echo "in https://snapshot.debian.org:"
  echo
  sed -nE 's/^(amd|arm)64 ([^ ]*) ([^ ]*) .*/- \2 \3/p' "$root/deploy/release/base.lock" | sort -u
} >"$home/NOTICE"
cp "$root/deploy/relay.yaml" "$root/deploy/relay.schema.json" "$home/"
"$java_home/bin/jlink" --add-modules "$modules" --strip-debug --no-header-files --no-man-pages --compress zip-6 \
  --output "$home/lib/runtime"

if [ "${RELAY_AOT:-yes}" = yes ]; then
  (
    . "$home/lib/java-options.sh"
    # The JVM compares the times of the runtime and the jars: they have those of the tarball from here on.
    find "$home" -exec touch -h -d 2026-01-01T00:00:00Z {} +
    "$home/lib/runtime/bin/java" "${java_options[@]}" -cp "$home/lib/relay.jar" relay.trial.Training "$home/lib/relay.aot"
  )
fi
pack "$work" "$name" "$dist/$name.tar.gz"

if [ "${RELAY_IMAGE:-yes}" = yes ]; then
  # Layers, by how seldom they change. The paths are those of deploy/Dockerfile.
  image=$work/image
  mkdir -p "$image/java/opt/java" "$image/relay/opt/relay" "$image/relay/usr/local/bin"
  "$root/deploy/release/base.sh" unpack "$arch" "$image/debian"
  for library in $(find "$home/lib/runtime" -type f -exec ldd {} + 2>/dev/null | sed -n 's/^\t\(lib[^ ]*\) => .*/\1/p' | sort -u); do
    if [ -z "$(find "$image/debian/usr/lib" "$home/lib/runtime" -name "$library")" ]; then
      echo "release: this JDK needs $library, which is not in the image: use Eclipse Temurin, or add its package to base.sh" >&2
      exit 1
    fi
  done
  mv "$home/lib/runtime" "$image/java/opt/java/openjdk"
  mv "$home"/lib/{lib,relay.*} "$image/relay/opt/relay/"
  cp "$home/LICENSE" "$home/NOTICE" "$image/relay/opt/relay/"
  cp "$root/deploy/release/relay-in-image" "$image/relay/usr/local/bin/relay"
  "$root/deploy/release/image.sh" write "$version" "$arch" "$dist/relay-$version-oci.tar" "$image"/{debian,java,relay}
fi

cp -rL "$root/deploy/helm/relay" "$work/relay" # with the files that its links name
pack "$work" relay "$dist/relay-chart-$version.tgz"

library=$root/relay-redis-scripts/target
cp "$library/relay-redis-scripts-$version.jar" "$library/relay-redis-scripts-$version-sources.jar" \
  "$library/relay-redis-scripts-$version-javadoc.jar" "$dist/"
cp "$library/bom.json" "$dist/relay-redis-scripts-$version.cdx.json"

# component NAME VERSION PURL CPE-VENDOR: what Maven does not know of
component() {
  printf '{"type":"application","bom-ref":"%s","name":"%s","version":"%s","purl":"%s","cpe":"cpe:2.3:a:%s:%s:%s:*:*:*:*:*:*:*"},' \
    "$3" "$1" "$2" "$3" "$4" "$1" "$2"
}
java=$(sed -n 's/^JAVA_VERSION="\(.*\)"$/\1/p' "$java_home/release")
redis=$("$java_home/bin/jar" tf "$root/relay-server/target/lib/libraries.jar" | sed -n 's/^redis-server-\(.*\)-linux-amd64$/\1/p')
: "${java:?}" "${redis:?}"
other=$(component openjdk "$java" "pkg:generic/openjdk@$java" oracle && component redis "$redis" "pkg:generic/redis@$redis" redis)
debian=$(awk '/^a[a-z]*64 / {
  version = $3
  gsub(/[+]/, "%2B", version)
  purl = "pkg:deb/debian/" $2 "@" version "?arch=" $1 "&distro=debian-13"
  printf "{\"type\":\"library\",\"bom-ref\":\"%s\",\"name\":\"%s\",\"version\":\"%s\",\"purl\":\"%s\"},", purl, $2, $3, purl
}' "$root/deploy/release/base.lock")

# sbom FILE COMPONENTS: that of the jars, with more components
sbom() {
  awk -v more="$2" '{ print } /^  "components" : \[$/ { print more; found = 1 } END { exit !found }' \
    "$root/relay-server/target/bom.json" >"$1"
}
sbom "$dist/relay-$version.cdx.json" "$other"
sbom "$dist/relay-$version-oci.cdx.json" "$other$debian"
cp "$home/NOTICE" "$dist/NOTICE"

(cd "$dist" && sha256sum -- * >"$work/sums" && mv "$work/sums" SHA256SUMS)
ls -l "$dist"
