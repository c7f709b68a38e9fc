# Runs a Redis and ends it when the program that started it is gone, however it went.
#
# usage: sh watchdog.sh DIRECTORY COMMAND [ARGUMENT...]
#   DIRECTORY  Redis's own; deleted when Redis has ended
#   stdin      a pipe that the parent holds open as long as it wants Redis: kill -9 closes it too

# A session of its own: Ctrl-C in the terminal, or a kill of the parent's process group, must neither
# stop Redis before its clients have drained nor leave it without its watchdog. macOS has no setsid(1).
if [ -z "${RELAY_REDIS_SESSION:-}" ]; then
  export RELAY_REDIS_SESSION=own
  if command -v setsid >/dev/null 2>&1; then
    exec setsid /bin/sh "$0" "$@"
  elif command -v perl >/dev/null 2>&1; then
    exec perl -MPOSIX=setsid -e 'setsid(); exec @ARGV or die "$!\n"' /bin/sh "$0" "$@"
  fi
fi
# PIPE: the shell tells that Redis was killed, to a parent that may be gone.
trap '' INT HUP TERM PIPE

directory=$1
shift
exec 3<&0
"$@" </dev/null 3<&- &
redis=$!

# Nothing is stored, so nothing is lost by the signal that works even while a script runs.
(
  while read -r _ <&3; do :; done
  kill -KILL "$redis"
) >/dev/null 2>&1 &
reader=$!

wait "$redis"
code=$?
kill -KILL "$reader" 2>/dev/null
rm -rf "$directory"
exit "$code"
