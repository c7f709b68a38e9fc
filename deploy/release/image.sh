#!/usr/bin/env bash
# Relay's image as an archive: an OCI layout in a tar, made by tar, gzip and sha256sum. It needs no Docker and no registry.
#
#   image.sh write VERSION ARCH FILE DIR...   an image for amd64 or arm64; each DIR becomes a layer, the lowest first
#   image.sh join FILE ARCHIVE...             one archive from several of a version, each of another architecture
#
# The image's settings are those of deploy/Dockerfile. Equal files give equal bytes.
set -eu

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
time=2026-01-01T00:00:00Z
oci=application/vnd.oci.image
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
layout=$work/layout
mkdir -p "$layout/blobs/sha256"

fail() {
  echo "release: $1" >&2
  exit 1
}

# pack DIR FILE NAME...: the names in DIR, the same bytes for the same files
pack() {
  tar -C "$1" --format=gnu --sort=name --mtime="$time" --owner=0 --group=0 --numeric-owner -cf "$2" "${@:3}"
}

digest() {
  sha256sum "$1" | cut -d' ' -f1
}

# blob FILE TYPE: moves the file into the layout. `added` is its path there, `descriptor` describes it, without the closing brace.
blob() {
  added=blobs/sha256/$(digest "$1")
  descriptor="{\"mediaType\":\"$oci.$2\",\"digest\":\"sha256:${added##*/}\",\"size\":$(stat -c %s "$1")"
  mv "$1" "$layout/$added"
}

# list ITEM...: separated by commas
list() {
  local IFS=,
  echo "$*"
}

# instruction NAME: what the last one of that name in the Dockerfile says, in one line
instruction() {
  sed -e ':more' -e '/\\$/{N;s/ *\\\n */ /;b more' -e '}' "$root/deploy/Dockerfile" | sed -n "s/^$1 //p" | tail -1
}

# health_check: no field of OCI, but Docker reads it. Its times are in nanoseconds.
health_check() {
  local form='^--interval=([0-9]+)s --timeout=([0-9]+)s --start-period=([0-9]+)s --retries=([0-9]+) CMD \[(.*)\]$'
  [[ $(instruction HEALTHCHECK) =~ $form ]] || fail "deploy/Dockerfile: the form of HEALTHCHECK is not known here"
  printf '{"Test":["CMD",%s],"Interval":%s000000000,"Timeout":%s000000000,"StartPeriod":%s000000000,"Retries":%s}' \
    "${BASH_REMATCH[5]}" "${BASH_REMATCH[@]:1:4}"
}

# close VERSION FILE: the archive of the layout, with `images` (descriptors) and `loads` (the same for Docker's older loader, which
# knows no index and no architectures: its tags name them).
close() {
  printf '{"schemaVersion":2,"mediaType":"%s.index.v1+json","manifests":[%s]}' "$oci" "$(list "${images[@]}")" >"$work/index"
  blob "$work/index" index.v1+json
  printf '{"schemaVersion":2,"mediaType":"%s.index.v1+json","manifests":[%s,"annotations":{"%s":"%s","%s":"%s"}}]}' "$oci" \
    "$descriptor" io.containerd.image.name "docker.io/library/relay:$1" org.opencontainers.image.ref.name "$1" >"$layout/index.json"
  printf '[%s]' "$(list "${loads[@]}")" >"$layout/manifest.json"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
  chmod -R u+w,go-w,a+rX "$layout"
  pack "$layout" "$2" blobs index.json manifest.json oci-layout
}

write() {
  local version=$1 arch=$2 file=$3 dir user entry command health ports layers=() paths=() diffs=() history=()
  shift 3
  for dir; do
    chmod -R a-st,u+w,go-w,a+rX "$dir"
    [ ! -d "$dir/tmp" ] || chmod 1777 "$dir/tmp"
    pack "$dir" "$work/layer" .
    diffs+=("\"sha256:$(digest "$work/layer")\"")
    history+=("{\"created\":\"$time\",\"created_by\":\"deploy/release/build.sh: ${dir##*/}\"}")
    gzip -9n "$work/layer"
    blob "$work/layer.gz" layer.v1.tar+gzip
    layers+=("$descriptor}")
    paths+=("\"$added\"")
  done

  user=$(instruction USER)
  directory=$(instruction WORKDIR)
  entry=$(instruction ENTRYPOINT)
  command=$(instruction CMD)
  health=$(health_check)
  ports=$(instruction EXPOSE | sed -E 's/([0-9]+) */,"\1\/tcp":{}/g; s/^,//')
  cat >"$work/config" <<END
{"created":"$time","architecture":"$arch","os":"linux","config":{"User":"$user","WorkingDir":"$directory","ExposedPorts":{$ports},
"Env":["PATH=/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","JAVA_HOME=/opt/java/openjdk",
"LANG=C.UTF-8"],"Entrypoint":$entry,"Cmd":$command,"Healthcheck":$health,"Labels":{"org.opencontainers.image.title":"Relay",
"org.opencontainers.image.version":"$version","org.opencontainers.image.licenses":"Apache-2.0"}},
"rootfs":{"type":"layers","diff_ids":[$(list "${diffs[@]}")]},"history":[$(list "${history[@]}")]}
END
  blob "$work/config" config.v1+json
  loads=("{\"Config\":\"$added\",\"RepoTags\":[\"relay:$version-$arch\"],\"Layers\":[$(list "${paths[@]}")]}")
  printf '{"schemaVersion":2,"mediaType":"%s.manifest.v1+json","config":%s},"layers":[%s]}' "$oci" "$descriptor" \
    "$(list "${layers[@]}")" >"$work/manifest"
  blob "$work/manifest" manifest.v1+json
  images=("$descriptor,\"platform\":{\"architecture\":\"$arch\",\"os\":\"linux\"}}")
  close "$version" "$file"
}

join() {
  local file=$1 archive index inner version='' other
  images=() loads=()
  shift
  for archive; do
    tar -xf "$archive" -C "$layout"
    index=$(cat "$layout/index.json")
    other=${index##*\"org.opencontainers.image.ref.name\":\"} other=${other%%\"*}
    [ "$other" = "${version:=$other}" ] || fail "$archive is of version $other, not $version"
    inner=${index#*\"digest\":\"sha256:} inner=$layout/blobs/sha256/${inner%%\"*}
    images+=("$(sed 's/^.*"manifests":\[\(.*\)\]}$/\1/' "$inner")")
    loads+=("$(sed 's/^\[\(.*\)\]$/\1/' "$layout/manifest.json")")
    rm "$inner"
  done
  other=$(grep -o '"architecture":"[^"]*"' <<<"${images[*]}" | sort | uniq -d)
  [ -z "$other" ] || fail "more than one archive has $other"
  close "$version" "$file"
}

"$@"
