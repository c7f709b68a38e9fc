#!/usr/bin/env bash
# Writes to dist/ what a release consists of. `./mvnw -Prelease verify` runs it last.
#
#   relay-VERSION-linux-ARCH.tar.gz   Relay with a Java runtime and the embedded Redis: unpack and run bin/relay
#   relay-chart-VERSION.tgz           the Helm chart
#   relay-redis-scripts-VERSION*.jar  the engine as a library, its sources and its Javadoc
#   *.cdx.json, NOTICE                the libraries inside, with their versions and licences
#   SHA256SUMS
#
# jlink copies the runtime of the JDK that runs it, and the AOT cache is written by a run. So the tarball is for this machine's
# architecture. .github/workflows/release.yml builds both, each on a machine of its own.
#
# Two builds of a commit give the same bytes, but for lib/relay.aot in the tarball: RELAY_AOT=no leaves it out, and starts take
# longer.
set -eu

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
version=$1
java_home=$2
dist=$root/dist

case $(uname -s)-$(uname -m) in
  Linux-x86_64) platform=linux-x64 ;;
  Linux-aarch64) platform=linux-aarch64 ;;
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

cp -r "$root/deploy/helm/relay" "$work/relay"
pack "$work" relay "$dist/relay-chart-$version.tgz"

library=$root/relay-redis-scripts/target
cp "$library/relay-redis-scripts-$version.jar" "$library/relay-redis-scripts-$version-sources.jar" \
  "$library/relay-redis-scripts-$version-javadoc.jar" "$dist/"
cp "$library/bom.json" "$dist/relay-redis-scripts-$version.cdx.json"
cp "$root/relay-server/target/bom.json" "$dist/relay-$version.cdx.json"
cp "$home/NOTICE" "$dist/NOTICE"

(cd "$dist" && sha256sum -- * >"$work/sums" && mv "$work/sums" SHA256SUMS)
ls -l "$dist"
