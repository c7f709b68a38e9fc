#!/usr/bin/env bash
# Runs real clients, unchanged, against a Relay of this checkout that forwards to the provider of
# `relay try`: the SDKs for Node and Java, and Claude Code. Prints a table and exits 1 if a cell failed.
#
# Needs what Relay needs, and Node 20 or newer with npm. The first run downloads the clients; nothing
# leaves this machine after that, and no account is needed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=${here%/*/*}
work=$here/target
. "$root/.mvn/find-jdk.sh"
find_jdk || { echo "clients: needs a JDK $NEEDED_JDK" >&2; exit 1; }
type -P node npm timeout >/dev/null || { echo "clients: needs node, npm and timeout" >&2; exit 1; }

rm -rf "$work"
mkdir -p "$work/home"
relay_pid=
cleanup() {
  [ -z "$relay_pid" ] || { kill "$relay_pid" && wait "$relay_pid"; } 2>/dev/null || true
  exec 8>&- || true # the provider ends with its standard input
}
trap cleanup EXIT
trap 'exit 130' INT TERM

echo "clients: installing ..." >&2
(cd "$here" && timeout 300 npm install --silent --no-save) >&2
timeout 300 "$root/mvnw" -q -B -f "$here/pom.xml" \
  org.apache.maven.plugins:maven-dependency-plugin:3.9.0:build-classpath \
  -Dmdep.outputFile="$work/classpath" </dev/null >&2
timeout 600 "$root/relay" version >"$work/version"

# The provider tells its port and two free ones.
mkfifo "$work/provider.in" "$work/provider.out"
timeout 600 "$JDK_HOME/bin/java" -cp "$root/relay-server/target/relay.jar" "$here/Provider.java" \
  sk-plenty sk-scarce sk-slow sk-open sk-open-scarce \
  <"$work/provider.in" >"$work/provider.out" 2>"$work/provider.log" &
exec 8>"$work/provider.in"
read -r -t 60 provider_port port admin_port <"$work/provider.out" ||
  { echo "clients: the provider did not start" >&2; cat "$work/provider.log" >&2; exit 1; }

# The scarce pools first: a model belongs to the first provider that names it.
pool() { # NAME TYPE KEY MODEL WINDOW_MS
  cat <<YAML
  - name: $1
    type: $2
    base_url: http://127.0.0.1:$provider_port
    models: [$4]
    pooling: { window_ms: $5 }
    keys: [{ id: $1-1, key: $3, rpm_limit: 1 }]
YAML
}
cat >"$work/relay.yaml" <<YAML
server:
  listen: 127.0.0.1:$port
  admin_listen: 127.0.0.1:$admin_port
  auth: { api_key: relay-client-key }
redis: { timeout_ms: 2000 } # a busy machine is no outage
providers:
$(pool scarce anthropic sk-scarce claude-scarce 2300)
$(pool slow anthropic sk-slow claude-slow 8000)
$(pool open-scarce openai sk-open-scarce gpt-scarce 2300)
  - name: plenty
    type: anthropic
    base_url: http://127.0.0.1:$provider_port
    keys: [{ id: plenty-1, key: sk-plenty }]
  - name: open
    type: openai
    base_url: http://127.0.0.1:$provider_port
    passthrough: true
    keys: [{ id: open-1, key: sk-open }]
logging: { level: info, format: text }
YAML
timeout 900 "$root/relay" serve --config "$work/relay.yaml" >"$work/relay.log" 2>&1 &
relay_pid=$!

is_up() {
  local status
  { exec 7<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || return 1
  printf 'GET / HTTP/1.0\r\n\r\n' >&7
  read -r -t 2 _ status _ <&7 || true
  exec 7>&-
  [ "$status" = 200 ]
}
for ((tries = 0; tries < 150; tries++)); do
  ! is_up || break
  kill -0 "$relay_pid" 2>/dev/null || break
  sleep 0.2
done
is_up || { echo "clients: Relay did not start" >&2; cat "$work/relay.log" >&2; exit 1; }

export RELAY_URL=http://127.0.0.1:$port PROVIDER_URL=http://127.0.0.1:$provider_port
export RELAY_KEY=relay-client-key CLAUDE_HOME=$work/home
echo "clients: running ..." >&2
cd "$here"
for client in \
  "node anthropic.mjs" \
  "node openai.mjs" \
  "$JDK_HOME/bin/java -cp $(cat "$work/classpath") AnthropicJava.java" \
  "node claude-code.mjs" \
  "node provider.mjs"; do
  # shellcheck disable=SC2086 # words of a command
  timeout 120 $client || true
done >"$work/results" 2>"$work/errors"

# A cell is ok if all of its checks are, and FAILED if one failed or was never reached.
cell() { # CLIENT CHECK...
  local client=$1 what
  shift
  for what; do
    grep -qxF "$client|$what|ok" "$work/results" || { echo FAILED; return; }
  done
  echo ok
}
others() { # CLIENT
  case $1 in
    @anthropic-ai/sdk*) cell "$1" others ;;
    openai) cell "$1" responses embeddings models passthrough ;;
    *) echo - ;;
  esac
}
version() { # PACKAGE
  sed -n 's/^  "version": "\(.*\)",$/\1/p' "$here/node_modules/$1/package.json"
}
row() { printf '%-36s | %-6s | %-6s | %-9s | %-11s | %-15s\n' "$@"; }
table() {
  row client JSON stream "error 401" "429 + retry" "other endpoints"
  row "------------------------------------" ------ ------ --------- ----------- ---------------
  local client shown
  for client in "@anthropic-ai/sdk apiKey" "@anthropic-ai/sdk authToken" openai anthropic-java; do
    shown="$client $(version "${client% *}" 2>/dev/null || true)"
    [ "$client" != anthropic-java ] ||
      shown="$client $(sed -n '/anthropic-java</{n;s/.*<version>\(.*\)<.*/\1/p}' pom.xml)"
    row "$shown" "$(cell "$client" JSON)" "$(cell "$client" stream)" \
      "$(cell "$client" 401 "401 stream")" \
      "$(cell "$client" 429 retry "429 stream" "retry stream")" "$(others "$client")"
  done
  # Claude Code streams always.
  row "Claude Code $(version @anthropic-ai/claude-code) API_KEY" - \
    "$(cell claude-api-key stream)" "$(cell claude-api-key 401)" "$(cell claude-api-key retry)" -
  row "Claude Code $(version @anthropic-ai/claude-code) AUTH_TOKEN" - \
    "$(cell claude-auth-token stream)" "$(cell claude-auth-token 401)" \
    "$(cell claude-auth-token retry)" -
  echo
  echo "The provider refused nothing and saw only its own keys: $(cell provider keys)"
}
table | tee "$work/table"
if grep -q FAILED "$work/table"; then
  cat "$work/errors" >&2
  echo "clients: FAILED; see $work" >&2
  exit 1
fi
