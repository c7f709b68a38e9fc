#!/usr/bin/env bash
# Runs real, unchanged clients twice: against a Relay of this checkout, in front of the provider of
# `relay try`, and directly against that provider. Prints a table of clients and scenarios. Exits 1 if
# any result differs. See README.md.
#
# Needs the JDK of Relay, and Node 20 or newer with npm. The first run downloads the clients. Later
# runs stay on this machine, and need no account.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=${here%/*/*}
work=$here/target
. "$root/.mvn/find-jdk.sh"
find_jdk || { echo "clients: needs a JDK $NEEDED_JDK" >&2; exit 1; }
type -P node npm timeout >/dev/null || { echo "clients: needs node, npm and timeout" >&2; exit 1; }

rm -rf "$work"
mkdir -p "$work/classes"
relay_pid=
run_pid=
cleanup() {
  [ -z "$run_pid" ] || kill "$run_pid" 2>/dev/null || true
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

"$JDK_HOME/bin/javac" -nowarn -XDsuppressNotes -d "$work/classes" -cp "$(cat "$work/classpath")" \
  "$here"/{Checks,AnthropicJava,OpenAiJava,LangChain4j}.java

# The providers print their ports and two free ones.
mkfifo "$work/provider.in" "$work/provider.out"
timeout 1800 "$JDK_HOME/bin/java" -cp "$root/relay-server/target/relay.jar" "$here/Provider.java" \
  sk-plenty sk-scarce sk-slow sk-faulty sk-open sk-open-scarce sk-open-faulty \
  <"$work/provider.in" >"$work/provider.out" 2>"$work/provider.log" &
exec 8>"$work/provider.in"
read -r -t 60 provider_port direct_port slow_port port admin_port <"$work/provider.out" ||
  { echo "clients: the provider did not start" >&2; cat "$work/provider.log" >&2; exit 1; }

# These pools come first: Relay uses the first provider with the model. They do not retry: the check is
# about the client's answer, not about the breaker.
pool() { # NAME TYPE KEY MODELS WINDOW_MS RPM
  cat <<YAML
  - name: $1
    type: $2
    base_url: http://127.0.0.1:$provider_port
    models: [$4]
    max_attempts: 1
    pooling: { window_ms: $5 }
    keys: [{ id: $1-1, key: $3, rpm_limit: $6 }]
YAML
}
cat >"$work/relay.yaml" <<YAML
server:
  listen: 127.0.0.1:$port
  admin_listen: 127.0.0.1:$admin_port
  auth:
    clients:
      # No pool has two clients: else a refused request is told to come after those refused before it.
      - { name: plenty, key: client-key, providers: [faulty, open-faulty, plenty, open] }
      # Another provider would serve it when these are full.
      - { name: scarce, key: scarce-key, providers: [scarce, slow, open-scarce] }
redis: { timeout_ms: 2000 } # a busy machine is no outage
providers:
$(pool scarce anthropic sk-scarce claude-scarce 2300 1)
$(pool slow anthropic sk-slow claude-slow 15000 1)
$(pool faulty anthropic sk-faulty "claude-faulty, claude-spare" 60000 0)
$(pool open-scarce openai sk-open-scarce gpt-scarce 2300 1)
$(pool open-faulty openai sk-open-faulty gpt-faulty 60000 0)
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
timeout 1800 "$root/relay" serve --config "$work/relay.yaml" >"$work/relay.log" 2>&1 &
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

export CLIENT_KEY=client-key SCARCE_KEY=scarce-key
export PROVIDER_URL=http://127.0.0.1:$provider_port
java=("$JDK_HOME/bin/java" -cp "$work/classes:$(cat "$work/classpath")")

# run TARGET URL SLOW_URL:  another; missing output counts as a difference.
run() {
  local program
  export TARGET=$1 BASE_URL=$2 SLOW_URL=$3 CLIENT_HOME=$work/home-$1
  mkdir "$CLIENT_HOME"
  for program in anthropic.mjs openai.mjs ai.mjs AnthropicJava OpenAiJava LangChain4j \
    claude-code.mjs codex.mjs; do
    echo "clients: $program, $TARGET" >&5
    case $program in
      *.mjs) timeout 150 node "$here/$program" ;;
      *) timeout 120 "${java[@]}" "$program" ;;
    esac || echo "$program, $TARGET: exit status $?" >&3
  done </dev/null >"$work/$TARGET.results" 2>&3
}
exec 5>&2
# Both at once: they mostly wait, as the 429s tell them.
run relay "http://127.0.0.1:$port" "http://127.0.0.1:$port" 3>"$work/relay.errors" &
run_pid=$!
run direct "http://127.0.0.1:$direct_port" "http://127.0.0.1:$slow_port" 3>"$work/direct.errors"
wait "$run_pid"

npm_version() { # PACKAGE
  sed -n 's/^  "version": "\(.*\)",\{0,1\}$/\1/p' "$here/node_modules/$1/package.json"
}
maven_version() { # ARTIFACT
  sed -n "/>$1</{n;s/.*<version>\(.*\)<.*/\1/p}" "$here/pom.xml"
}
export VERSION__anthropic_ai_sdk VERSION_openai VERSION_ai VERSION_Claude VERSION_codex
export VERSION_anthropic_java VERSION_openai_java VERSION_langchain4j_anthropic VERSION_langchain4j_open_ai
VERSION__anthropic_ai_sdk=$(npm_version @anthropic-ai/sdk)
VERSION_openai=$(npm_version openai)
VERSION_ai=$(npm_version ai)
VERSION_Claude=$(npm_version @anthropic-ai/claude-code)
VERSION_codex=$(npm_version @openai/codex)
VERSION_anthropic_java=$(maven_version anthropic-java)
VERSION_openai_java=$(maven_version openai-java)
VERSION_langchain4j_anthropic=$(maven_version langchain4j-anthropic)
VERSION_langchain4j_open_ai=$(maven_version langchain4j-open-ai)

status=0
node "$here/compare.mjs" "$work/relay.results" "$work/direct.results" >"$work/table" || status=1
echo >>"$work/table"
node "$here/provider.mjs" >>"$work/table" || status=1
cat "$work/table"
[ "$status" = 0 ] || { echo "clients: FAILED; see $work" >&2; exit 1; }
