# Sourced by `relay` and `mvnw`: find_jdk sets JDK_HOME to a JDK 25 or newer, or fails.
#
# It reads the `release` file of each JDK. `java -version` would start a JVM, which costs more than the
# rest of the launcher.

readonly NEEDED_JDK=25

# is_jdk DIR: a JDK (not a JRE: the build needs javac) of at least that version.
is_jdk() {
  local line version
  [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      JAVA_VERSION=*)
        version=${line#JAVA_VERSION=}
        version=${version//\"/}
        version=${version%%[!0-9]*}
        [ "${version:-0}" -ge "$NEEDED_JDK" ]
        return
        ;;
    esac
  done <"$1/release"
  return 1
}

# follow FILE: the end of a chain of symlinks. Older macOS has no `readlink -f`.
follow() {
  local file=$1 target hops=0
  while [ -L "$file" ] && [ "$hops" -lt 40 ]; do
    target=$(readlink "$file")
    case $target in
      /*) file=$target ;;
      *) file=${file%/*}/$target ;;
    esac
    hops=$((hops + 1))
  done
  printf '%s\n' "$file"
}

find_jdk() {
  if [ -n "${JAVA_HOME:-}" ] && is_jdk "$JAVA_HOME"; then
    JDK_HOME=$JAVA_HOME
    return
  fi
  find_other_jdk || return
  if [ -n "${JAVA_HOME:-}" ]; then
    echo "${0##*/}: JAVA_HOME, $JAVA_HOME, is no JDK $NEEDED_JDK or newer: using $JDK_HOME" >&2
  fi
}

find_other_jdk() {
  local candidate java
  if java=$(type -P java); then
    java=$(follow "$java")
    candidate=${java%/bin/java}
    if is_jdk "$candidate"; then
      JDK_HOME=$candidate
      return
    fi
  fi
  for candidate in \
    /usr/lib/jvm/* /usr/lib64/jvm/* /usr/java/* /usr/local/*jdk* /opt/* /opt/*/* \
    "${HOME:-/nonexistent}"/.sdkman/candidates/java/* "${HOME:-/nonexistent}"/.jdks/* \
    "${HOME:-/nonexistent}"/.asdf/installs/java/* \
    "${HOME:-/nonexistent}"/.local/share/mise/installs/java/* \
    /Library/Java/JavaVirtualMachines/*/Contents/Home \
    "${HOME:-/nonexistent}"/Library/Java/JavaVirtualMachines/*/Contents/Home \
    /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home \
    /usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home; do
    if is_jdk "$candidate"; then
      JDK_HOME=$candidate
      return
    fi
  done
  return 1
}
